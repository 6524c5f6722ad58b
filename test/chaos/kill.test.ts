// Goal: a run survives the death of its worker. Method: real processes, SIGKILL, and the run's own log as the witness.
import { afterEach, expect, inject, test } from 'vitest';
import type { ClaimedData, ResumedData } from 'pawl';
import { killChildren } from '../support/child.ts';
import { poison, ticks } from '../support/workflows.ts';
import {
  allEvents,
  checkLog,
  firstEvent,
  newPrefix,
  openPawl,
  startWorker,
} from '../support/workers.ts';

afterEach(killChildren);

test('another worker takes a killed worker’s run over and goes on behind its last event', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix() };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const workers = [await startWorker(setup), await startWorker(setup)];
  const run = await pawl.start(ticks, { count: 30, paceMs: 20 });
  await firstEvent(run, (event) => event.type === 'tick' && (event.data as { i: number }).i === 7);

  const holder = (await run.info()).worker;
  const victim = workers.find((worker) => worker.id === holder);
  victim?.child.kill('SIGKILL');

  expect(await run.result()).toEqual({ sum: 435 });
  const events = await allEvents(run);
  checkLog(events);
  const ticked = events
    .filter((event) => event.type === 'tick')
    .map((event) => (event.data as { i: number }).i);
  expect(ticked).toEqual(Array.from({ length: 30 }, (_, i) => i));

  const claims = events
    .filter((event) => event.type === 'run.claimed')
    .map((event) => event.data as ClaimedData);
  expect(claims).toHaveLength(2);
  expect(claims[1]?.takeover).toMatchObject({ from: holder, reason: 'presence-lost' });
  expect(claims[1]?.takeover?.detectMs).toBeLessThan(3_000);
  expect(claims[1]?.worker).not.toBe(holder);
  const resumed = events.find((event) => event.type === 'run.resumed')?.data as ResumedData;
  expect(resumed).toMatchObject({ from: holder, worker: claims[1]?.worker });
  // A snapshot is taken when replaying would last too long, so on a busy machine fewer events are left to replay.
  expect(resumed.replayed).toBeGreaterThan(0);
});

test('a worker that is the sweeper itself is replaced when it is killed', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix() };
  await using pawl = await openPawl(setup.url, setup.prefix);
  // The first worker is alone when it starts, so it is elected; and it is the one that holds the run.
  const first = await startWorker(setup);
  const run = await pawl.start(ticks, { count: 20, paceMs: 20 });
  await firstEvent(run, (event) => event.type === 'tick');
  await startWorker(setup);
  first.child.kill('SIGKILL');
  expect(await run.result()).toEqual({ sum: 190 });
  checkLog(await allEvents(run));
});

test('a run survives ten losses in a row when it makes progress between them', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix() };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const workers = await Promise.all(Array.from({ length: 11 }, () => startWorker(setup)));
  const run = await pawl.start(ticks, { count: 200, paceMs: 10 });
  for (let kill = 1; kill <= 10; kill++) {
    // The third tick behind this claim: between two losses there is progress.
    let claims = 0;
    let ticksBehind = 0;
    let holder = '';
    await firstEvent(run, ({ type, data }) => {
      if (type === 'run.claimed') {
        claims += 1;
        holder = (data as ClaimedData).worker;
      }
      if (type === 'tick' && claims === kill) ticksBehind += 1;
      return ticksBehind === 3;
    });
    workers.find(({ id }) => id === holder)?.child.kill('SIGKILL');
  }
  expect(await run.result()).toEqual({ sum: 19_900 });
  checkLog(await allEvents(run));
  expect((await run.info()).takeovers).toBe(10);
});

test('a run that kills its workers is quarantined after three as evidence, and its neighbours go on', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix(), worker: { concurrency: 5 } };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const neighbours = await Promise.all(
    Array.from({ length: 3 }, () => pawl.start(ticks, { count: 150, paceMs: 20 })),
  );
  await Promise.all(Array.from({ length: 2 }, () => startWorker(setup)));
  const run = await pawl.start(poison, undefined);
  let losses = 0;
  for await (const { type } of run.events()) {
    if (type === 'run.quarantined') break;
    if (type !== 'run.interrupted') continue;
    losses += 1;
    await startWorker(setup);
  }
  // Three of them are evidence. Two losses go before the first turn, and the turns for eight and for two may each
  // have neighbours in them that have just begun again: four losses that prove nothing (decision 010).
  expect(losses).toBeGreaterThanOrEqual(3);
  expect(losses).toBeLessThanOrEqual(7);
  await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_QUARANTINED' });
  expect(await run.info()).toMatchObject({
    status: 'quarantined',
    error: { code: 'PAWL_RUN_QUARANTINED' },
  });
  for (const neighbour of neighbours) {
    expect(await neighbour.result()).toEqual({ sum: 11175 });
    checkLog(await allEvents(neighbour));
  }
});
