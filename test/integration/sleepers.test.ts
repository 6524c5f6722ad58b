// Goal: thousands of sleeping runs hold nothing in a worker, and wake in time. Method: count what Node holds, before and
// while they sleep, after a garbage collection; then look how late they woke, on Redis' clock.
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, inject, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow } from 'pawl';
import type { Pawl } from 'pawl';
import { isThorough } from '../support/thorough.ts';
import { newPrefix, openPawl } from '../support/workers.ts';

/** With fewer, a kilobyte of each would be lost in the noise of the heap. */
const sleepers = isThorough ? 10_000 : 4_000;

const sleeper = defineWorkflow({
  name: 'sleeper',
  input: z.object({ until: z.date() }),
  async run(ctx, { until }) {
    await ctx.sleepUntil(until);
    return (await ctx.now()).getTime() - until.getTime();
  },
});

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function settledHeap(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await pause(50);
  }
  return process.memoryUsage().heapUsed;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
}

async function count(pawl: Pawl, status: 'waiting' | 'completed'): Promise<number> {
  let found = 0;
  let cursor: string | undefined;
  do {
    const page = await pawl.list({
      status,
      limit: 500,
      ...(cursor === undefined ? {} : { cursor }),
    });
    found += page.runs.length;
    ({ cursor } = page);
  } while (cursor !== undefined);
  return found;
}

test('thousands of sleeping runs hold no timer, no socket and no memory of a worker', async () => {
  const url = inject('redisUrl');
  const prefix = newPrefix();
  await using pawl = await openPawl(url, prefix);
  await using worker = pawl.worker({ workflows: [sleeper], concurrency: 200 });
  // Warm: code compiled, buffers grown.
  const warm = new Date(Date.now() + 1_500);
  await Promise.all(Array.from({ length: 200 }, () => pawl.start(sleeper, { until: warm })));
  await expect.poll(() => count(pawl, 'completed'), { timeout: 20_000 }).toBe(200);
  const heapBefore = await settledHeap();
  const timersBefore = timers();

  // Nobody wakes while they are counted, however busy the machine is.
  const until = new Date(Date.now() + 86_400_000);
  for (let started = 0; started < sleepers; started += 500) {
    await Promise.all(Array.from({ length: 500 }, () => pawl.start(sleeper, { until })));
  }
  await expect
    .poll(() => count(pawl, 'waiting'), { timeout: 120_000, interval: 500 })
    .toBe(sleepers);
  // The last answers may still be on their way to the worker.
  await expect.poll(() => worker.active).toBe(0);
  // What was waited for a moment ago may still have its timer, on a busy machine for some seconds.
  await expect.poll(() => timers() - timersBefore, { timeout: 20_000 }).toBeLessThan(10);
  expect(
    process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length,
  ).toBeLessThan(30);
  // A run that is held is its writer, fold, steps and timers: some thousand bytes. Below that is noise of the heap.
  // On a busy machine the last of it is let go of later.
  const heapPerRun = async (): Promise<number> => ((await settledHeap()) - heapBefore) / sleepers;
  await expect.poll(heapPerRun, { timeout: 30_000 }).toBeLessThan(1_000);
  console.info(`heap for each sleeping run: ${(await heapPerRun()).toFixed(1)} bytes`);
}, 180_000);

test('a sleeping run is woken at its time, not when it is looked for again', async () => {
  await using pawl = await openPawl(inject('redisUrl'), newPrefix());
  pawl.worker({ workflows: [sleeper] });
  const until = new Date(Date.now() + 2_500);
  const runs = await Promise.all(Array.from({ length: 20 }, () => pawl.start(sleeper, { until })));
  const late = await Promise.all(runs.map((run) => run.result()));
  expect(Math.min(...late)).toBeGreaterThanOrEqual(-5);
  // It takes some milliseconds. A wake-up that is lost is sent again after three seconds.
  expect(Math.max(...late)).toBeLessThan(2_500);
});
