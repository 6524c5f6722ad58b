// Goal: a worker that was frozen longer than its session cannot write any more. Method: SIGSTOP, wait for the take-over,
// SIGCONT, and then look for anything it got into the log.
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, inject, test } from 'vitest';
import type { ClaimedData } from 'pawl';
import { killChildren } from '../support/child.ts';
import { blocking, ticks } from '../support/workflows.ts';
import {
  allEvents,
  checkLog,
  firstEvent,
  newPrefix,
  openPawl,
  startWorker,
} from '../support/workers.ts';

afterEach(killChildren);

test('a frozen worker loses its run to another one, and its late commits are refused', async () => {
  const setup = {
    url: inject('redisUrl'),
    prefix: newPrefix(),
    worker: { beatMs: 200, sessionMs: 1_000 },
  };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const workers = [await startWorker(setup), await startWorker(setup)];
  const run = await pawl.start(ticks, { count: 60, paceMs: 50 });
  await firstEvent(run, (event) => event.type === 'tick' && (event.data as { i: number }).i === 4);

  const holder = (await run.info()).worker;
  const zombie = workers.find((worker) => worker.id === holder)?.child;
  if (zombie === undefined) throw new Error(`nobody holds the run (${holder})`);
  zombie.kill('SIGSTOP');
  const taken = await firstEvent(
    run,
    (event) => event.type === 'run.claimed' && (event.data as ClaimedData).takeover !== undefined,
  );
  expect((taken.data as ClaimedData).takeover).toMatchObject({
    from: holder,
    reason: 'session-expired',
  });

  zombie.kill('SIGCONT');
  const lost = await zombie.waitFor((message) => message['message'] === 'let go of the run');
  expect(lost).toMatchObject({ run: run.id, loss: 'fenced' });

  expect(await run.result()).toEqual({ sum: 1770 });
  const events = await allEvents(run);
  checkLog(events);
  const late = events.filter((event) => event.seq > taken.seq && event.fence !== taken.fence);
  expect(late).toEqual([]);
  const pids = events
    .filter((event) => event.type === 'tick' && event.seq > taken.seq)
    .map((event) => (event.data as { pid: number }).pid);
  expect(pids).not.toContain(zombie.pid);
  // The zombie is a worker again: it beats, and may take new runs.
  await expect
    .poll(async () => (await pawl.workers()).map((worker) => worker.id))
    .toContain(holder);
});

test('a worker whose event loop was blocked is told so, with the measured time', async () => {
  const setup = {
    url: inject('redisUrl'),
    prefix: newPrefix(),
    worker: { beatMs: 200, sessionMs: 1_000 },
  };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const workers = [await startWorker(setup), await startWorker(setup)];
  const mark = join(tmpdir(), `${setup.prefix}.mark`);
  const run = await pawl.start(blocking, { ms: 3_500, mark });
  const holder = await firstEvent(run, (event) => event.type === 'run.claimed');
  const { worker } = holder.data as ClaimedData;
  const blocked = workers.find(({ id }) => id === worker)?.child;
  await run.result();
  const lost = await blocked?.waitFor((message) => message['message'] === 'let go of the run');
  expect(lost).toMatchObject({
    loss: 'fenced',
    reason: expect.stringMatching(/event loop was blocked for 3\.\d s, a session lasts 1\.0 s/),
  });
  await rm(mark);
});
