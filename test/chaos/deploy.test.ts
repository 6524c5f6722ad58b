// Goal: a rolling deploy costs no detection time. Method: SIGTERM to the worker that holds the runs.
import { afterEach, expect, inject, test } from 'vitest';
import { killChildren } from '../support/child.ts';
import { stubborn, ticks } from '../support/workflows.ts';
import {
  allEvents,
  checkLog,
  firstEvent,
  newPrefix,
  openPawl,
  startWorker,
} from '../support/workers.ts';

afterEach(killChildren);

test('a worker that is told to stop hands its runs back at their next commit', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix() };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const old = await startWorker(setup);
  const runs = await Promise.all(
    Array.from({ length: 10 }, () => pawl.start(ticks, { count: 40, paceMs: 200 })),
  );
  for (const run of runs) await firstEvent(run, (event) => event.type === 'tick');
  await startWorker(setup);
  old.child.kill('SIGTERM');
  expect(await old.child.exit).toEqual({ code: 0, signal: null });
  for (const run of runs) {
    expect(await run.result()).toEqual({ sum: 780 });
    const events = await allEvents(run);
    checkLog(events);
    expect(events.map((event) => event.type)).not.toContain('run.interrupted');
    expect(events.filter((event) => event.type === 'run.claimed')).toHaveLength(2);
    expect(events.filter((event) => event.type === 'tick')).toHaveLength(40);
  }
  expect((await pawl.workers()).map((worker) => worker.id)).not.toContain(old.id);
});

test('a step that outlasts the grace period runs again elsewhere; finished steps do not', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix(), graceMs: 200 };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const old = await startWorker(setup);
  const run = await pawl.start(stubborn, { ms: 6_000 });
  await firstEvent(run, (event) => event.type === 'step.completed');
  const next = await startWorker(setup);
  old.child.kill('SIGTERM');
  expect(await old.child.exit).toEqual({ code: 0, signal: null });
  expect(await run.result()).toBe(next.child.pid);
  const events = await allEvents(run);
  checkLog(events);
  expect(events.filter((event) => event.type === 'step.completed')).toHaveLength(2);
});
