// Goal: a graph loses no completed node with its worker. Method: real processes, SIGKILL, and the run's log.
import { afterEach, expect, inject, test } from 'vitest';
import { killChildren } from '../support/child.ts';
import { rounds } from '../support/workflows.ts';
import {
  allEvents,
  checkLog,
  firstEvent,
  newPrefix,
  openPawl,
  startWorker,
} from '../support/workers.ts';

afterEach(killChildren);

interface Completed {
  readonly node: string;
  readonly visit: number;
}

test('a graph goes on behind its completed nodes after each of four kills', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix() };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const workers = await Promise.all(Array.from({ length: 5 }, () => startWorker(setup)));
  const run = await pawl.start(rounds, { rounds: 15, paceMs: 50 });
  for (const [kill, node] of (['left', 'right', 'join', 'plan'] as const).entries()) {
    await firstEvent(run, ({ type, data }) => {
      if (type !== 'node.completed') return false;
      const completed = data as Completed;
      return completed.node === node && completed.visit === 3 * kill + 2;
    });
    const holder = (await run.info()).worker;
    workers.find(({ id }) => id === holder)?.child.kill('SIGKILL');
  }
  expect(await run.result()).toEqual({ round: 15, sum: 15 * 101 });
  const events = await allEvents(run);
  checkLog(events);
  const completed = events
    .filter(({ type }) => type === 'node.completed')
    .map(({ data }) => `${(data as Completed).node}:${(data as Completed).visit}`);
  const all = ['plan', 'left', 'right', 'join'].flatMap((node) =>
    Array.from({ length: 15 }, (_, i) => `${node}:${i + 1}`),
  );
  expect([...completed].sort()).toEqual([...all].sort());
  expect((await run.info()).takeovers).toBe(4);
  expect(await run.graph()).toMatchObject({ steps: 60, pending: [] });
});
