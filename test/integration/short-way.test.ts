// Goal: what a process sends to its own consumer needs no job, and what holds jobs back holds it back, too. Method: a real
// queue, whose count of jobs tells which way a wake-up went.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import { BullResumeQueue } from '../../src/bullmq/resume-queue.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { WakeUp } from '../../src/core/queue.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { listen, until, wakeUp } from '../../src/testing/resume-queue/opened.ts';
import { openPawl, newPrefix } from '../support/workers.ts';
import { ticks } from '../support/workflows.ts';

const workflow = 'short';

async function opened(options: { readonly shortWay?: boolean } = {}) {
  const store = await RedisRunStore.open({ redis: inject('redisUrl'), prefix: newPrefix() });
  const queue = new BullResumeQueue({
    connect: (purpose) => store.connectionFor(purpose),
    evaluate: (lua, keys) => store.evaluate(lua, keys),
    prefix: `{${newPrefix()}}:bull`,
    logger: silentLogger,
    ...options,
  });
  const close = async (): Promise<void> => {
    await queue.close();
    await store.close();
  };
  const jobs = async (): Promise<number> => (await queue.inspect(workflow)).sent;
  return { queue, jobs, [Symbol.asyncDispose]: close };
}

test('a wake-up goes the short way only where nothing would hold its job back', async () => {
  await using there = await opened();
  const { queue, jobs } = there;
  const listener = await listen(queue, workflow, { concurrency: 4 });
  const sent: [Partial<WakeUp>, object, number][] = [
    [{}, {}, 0],
    [{ priority: 3 }, {}, 1],
    [{ losses: 1 }, {}, 1],
    [{}, { again: true }, 1],
    [{}, { elsewhere: true }, 1],
    [{}, { urgent: true }, 0],
  ];
  for (const [params, options, wanted] of sent) {
    const [before, given] = [await jobs(), listener.given.length];
    await queue.send(wakeUp(workflow, params), options);
    await until('it has arrived', () => listener.given.length > given);
    expect((await jobs()) - before, JSON.stringify([params, options])).toBe(wanted);
    // A job is over a moment after its handler.
    await sleep(20);
  }
  await listener.close();
});

test('most places stay with the queue, and a workflow with a rate has none to share', async () => {
  await using there = await opened();
  const { queue, jobs } = there;
  const listener = await listen(queue, workflow, { concurrency: 8, slow: true });
  for (let i = 0; i < 8; i++) await queue.send(wakeUp(workflow));
  await until('all are at work', () => listener.given.length === 8);
  expect(await jobs()).toBe(6);
  listener.finish();
  await listener.close();
  const paces = { [workflow]: { rate: { max: 100, perMs: 1000 } } };
  const paced = await listen(queue, workflow, { concurrency: 8, paces });
  await queue.send(wakeUp(workflow));
  await until('it has arrived', () => paced.given.length === 1);
  expect(await jobs()).toBe(7);
  await paced.close();
});

test('a wake-up that the consumer declines becomes a job, and so does each one where the short way is closed', async () => {
  await using there = await opened();
  let isClosing = true;
  const answer = async () => ({ outcome: isClosing ? 'declined' : 'done' }) as const;
  const listener = await listen(there.queue, workflow, { concurrency: 4, answer });
  await there.queue.send(wakeUp(workflow));
  await until('it was declined', () => listener.given.length >= 1);
  isClosing = false;
  await until('it has come as a job', () => listener.given.length >= 2);
  expect(await there.jobs()).toBe(1);
  await listener.close();
  await using closed = await opened({ shortWay: false });
  const other = await listen(closed.queue, workflow, { concurrency: 4 });
  await closed.queue.send(wakeUp(workflow));
  await until('it has arrived', () => other.given.length === 1);
  expect(await closed.jobs()).toBe(1);
  await other.close();
});

test('a run that its own process executes has no job, and comes to its end', async () => {
  await using pawl = await openPawl(inject('redisUrl'), newPrefix());
  await pawl.worker({ workflows: [ticks] }).ready();
  const run = await pawl.start(ticks, { count: 3 });
  expect(await run.result({ timeoutMs: 10_000 })).toEqual({ sum: 3 });
  expect((await pawl.queues()).map(({ sent }) => sent)).toEqual([0]);
});
