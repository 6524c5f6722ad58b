// Goal: a thread that is terminated in the middle of a step is taken over as a killed process is, also one that never comes
// to its event loop; and nothing of it is written later. Method: real threads, terminated, over one store in memory.
import { afterEach, expect, test } from 'vitest';
import { openInThreads, type PawlThread, type PawlThreads, pawlInThread } from 'pawl/testing';
import { compiled } from '../support/child.ts';
import {
  childOfThreads,
  countingOfThreads,
  spinningOfThreads,
} from '../support/thread-workflows.ts';

const file = compiled('test/support/thread-main.ts');
const counting = countingOfThreads();
const spinning = spinningOfThreads();

const opened: PawlThreads[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((threads) => threads.close({ graceMs: 100 })));
});

function open(): PawlThreads {
  const threads = openInThreads({ logger: false });
  opened.push(threads);
  return threads;
}

/** Starts a thread; `told` resolves when it has said so, with the rest of what it said. */
function start(threads: PawlThreads, data?: string) {
  const thread = threads.start(file, { data });
  const said: string[] = [];
  thread.worker.on('message', (what: string) => said.push(what));
  const told = async (what: string): Promise<string> => {
    await expect.poll(() => said.some((one) => one.startsWith(what)), { interval: 5 }).toBe(true);
    return said.find((one) => one.startsWith(what))?.slice(what.length + 1) ?? '';
  };
  return { thread, said, told };
}

test('a thread terminated in a step: another one goes on, and no finished step runs again', async () => {
  const threads = open();
  const first = start(threads, 'first');
  const lost = await first.told('ready');
  const run = await threads.pawl.start(counting, 21, { id: 'run' });
  await first.told('body slow');
  await first.thread.terminate();
  expect(await first.thread.ended).toEqual({ terminated: true, code: 1, error: undefined });
  expect((await run.info()).status).toBe('running');

  const second = start(threads);
  const worker = await second.told('ready');
  await run.signal('go', { bytes: new Uint8Array(3) });
  expect(await run.result()).toEqual({ first: 21, doubled: 42, bytes: 3 });
  expect(second.said.filter((what) => what.startsWith('body'))).toEqual(['body slow']);
  expect(await threads.pawl.recoveries()).toEqual([
    expect.objectContaining({ run: 'run', from: lost, reason: 'presence-lost', worker }),
  ]);
  const fences = [];
  for await (const { type, fence } of run.events()) {
    if (type === 'run.claimed') fences.push(fence);
    else expect(fence).toBeGreaterThanOrEqual(fences.at(-1) ?? 0);
  }
  expect(fences.toSorted((a, b) => a - b)).toEqual(fences);
});

test('a thread that spins for ever is terminated as well', async () => {
  const threads = open();
  const first = start(threads, 'first');
  await first.told('ready');
  const run = await threads.pawl.start(spinning);
  await first.told('spinning');
  start(threads);
  await first.thread.terminate();
  expect(await run.result()).toBe('done');
});

test('closed, a thread hands its runs back: that is no loss', async () => {
  const threads = open();
  const first = start(threads, 'first');
  await first.told('ready');
  const run = await threads.pawl.start(counting, 1);
  await first.told('body slow');
  const second = start(threads);
  await second.told('ready');
  await first.thread.close({ graceMs: 0 });
  await run.signal('go', { bytes: new Uint8Array() });
  expect(await run.result()).toEqual({ first: 1, doubled: 2, bytes: 0 });
  expect(await threads.pawl.recoveries()).toEqual([]);
  expect(await threads.pawl.workers()).toHaveLength(1);
});

test('threads come and are terminated while forty runs are at work: all of them end, each step once in the log', async () => {
  const threads = open();
  const at: PawlThread[] = [];
  const come = async (): Promise<void> => {
    const { thread, told } = start(threads);
    await told('ready');
    at.push(thread);
  };
  await Promise.all([come(), come()]);
  const runs = await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      const run = await threads.pawl.start(counting, n);
      await run.signal('go', { bytes: new Uint8Array(n) });
      return run;
    }),
  );
  for (let kill = 0; kill < 3; kill++) {
    await at.shift()?.terminate();
    await come();
  }
  for (const [n, run] of runs.entries()) {
    expect(await run.result()).toEqual({ first: n, doubled: 2 * n, bytes: n });
    const steps = [];
    for await (const event of run.events()) {
      if (event.type === 'step.completed') steps.push((event.data as { name: string }).name);
    }
    expect(new Set(steps).size).toBe(steps.length);
  }
  expect(
    await threads.pawl.list({ workflow: childOfThreads.name, status: 'completed' }),
  ).toBeDefined();
});

test('what a thread throws is told, and the process lives', async () => {
  const threads = open();
  const { thread } = start(threads, 'fails');
  const { terminated, error } = await thread.ended;
  expect({ terminated, error: String(error) }).toEqual({
    terminated: false,
    error: 'TypeError: this thread has failed',
  });
});

test('options that do not fit, and the wrong thread', () => {
  const threads = open();
  expect(() => threads.start(file, { args: [] } as never)).toThrow('thread options.args');
  expect(() => openInThreads({ clock: 1 } as never)).toThrow('openInThreads options.clock');
  expect(() => pawlInThread()).toThrow(expect.objectContaining({ code: 'PAWL_DEFINITION' }));
});
