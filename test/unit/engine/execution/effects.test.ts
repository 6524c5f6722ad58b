// Goal: steps in full: time-outs, steps inside steps, maps, effects in doubt, recorded values. Method: the memory store, and
// a worker that vanishes in the middle.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import type { Doubt, RunHandle } from 'pawl';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

test('an attempt that takes too long has failed, its signal fires, and the next one may be quicker', async () => {
  await using pawl = memoryPawl().pawl;
  const reasons: unknown[] = [];
  const workflow = defineWorkflow({
    name: 'slow',
    async run(ctx) {
      return ctx.step(
        'slow',
        async ({ attempt, signal }) => {
          if (attempt === 1) {
            signal.addEventListener('abort', () => reasons.push(signal.reason));
            await pause(1_000);
          }
          return attempt;
        },
        { timeout: '50ms', retry: { attempts: 2, delay: 1 } },
      );
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  expect(await run.result()).toBe(2);
  expect(reasons).toMatchObject([{ code: 'PAWL_TIMEOUT', step: 'slow' }]);
});

test('what is inside a step is kept until the step completes, then leaves the bookkeeping', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const bodies: string[] = [];
  let calls = 0;
  let hold: () => void = () => undefined;
  const workflow = defineWorkflow({
    name: 'nested',
    async run(ctx) {
      const sum = await ctx.step('outer', async (outer) => {
        const one = await outer.step('one', () => {
          bodies.push('one');
          return 1;
        });
        const two = await outer.step('two', async (inner) => {
          const deep = await inner.step('deep', () => bodies.push('deep'));
          calls += 1;
          if (calls === 1) await new Promise<void>((resolve) => (hold = resolve));
          return deep;
        });
        return one + two;
      });
      await ctx.checkpoint();
      return sum;
    },
  });
  const first = pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect.poll(() => bodies).toEqual(['one', 'deep']);
  pawl.worker({ workflows: [workflow] });
  store.vanish(first.id);
  expect(await run.result()).toBe(3);
  hold();
  // Finished inner steps did not run again.
  expect(bodies).toEqual(['one', 'deep']);
  const loaded = await store.load(run.id);
  expect(
    [...(loaded?.snapshot?.fields.keys() ?? [])].filter((field) => field.startsWith('step:')),
  ).toEqual(['step:outer']);
  checkLog(await allEvents(run));
});

test('a map keeps one result for each item and never does more at a time than allowed', async () => {
  await using pawl = memoryPawl().pawl;
  let active = 0;
  let most = 0;
  const workflow = defineWorkflow({
    name: 'map',
    async run(ctx) {
      return ctx.map(
        'square',
        Array.from({ length: 20 }, (_, i) => i),
        async (i) => {
          active += 1;
          most = Math.max(most, active);
          await pause(5);
          active -= 1;
          return i * i;
        },
        { concurrency: 4 },
      );
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  expect(await run.result()).toEqual(Array.from({ length: 20 }, (_, i) => i * i));
  expect(most).toBe(4);
  const names = (await allEvents(run)).flatMap(({ type, data }) =>
    type === 'step.completed' ? (data as { name: string }).name : [],
  );
  expect(new Set(names).size).toBe(20);
});

test('recorded values are the same on every resume', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const seen: unknown[] = [];
  let hold: () => void = () => undefined;
  const workflow = defineWorkflow({
    name: 'recorded',
    async run(ctx) {
      const values = [await ctx.now(), await ctx.random(), await ctx.uuid(), await ctx.uuid('b')];
      seen.push(values);
      await ctx.step('hold', async () => {
        if (seen.length === 1) await new Promise<void>((resolve) => (hold = resolve));
      });
      return values;
    },
  });
  const first = pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect.poll(() => seen.length).toBe(1);
  pawl.worker({ workflows: [workflow] });
  store.vanish(first.id);
  const values = await run.result();
  hold();
  expect(seen).toEqual([values, values]);
  expect(Math.abs((values[0] as Date).getTime() - Date.now())).toBeLessThan(60_000);
  expect(values[2]).not.toBe(values[3]);
});

describe('an effect that was begun when its worker died', () => {
  /** Runs an effect whose worker vanishes in the middle; returns the run's result and how often the body ran. */
  async function inDoubt(
    onDoubt: Doubt<string>,
    decide?: (run: RunHandle) => Promise<void>,
  ): Promise<{ result: unknown; bodies: number; types: string[] }> {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    let bodies = 0;
    let hold: () => void = () => undefined;
    const workflow = defineWorkflow({
      name: 'charge',
      async run(ctx) {
        return ctx.effect(
          'charge',
          async () => {
            bodies += 1;
            if (bodies === 1) await new Promise<void>((resolve) => (hold = resolve));
            return `charged ${bodies}`;
          },
          { onDoubt },
        );
      },
    });
    const first = pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(() => bodies).toBe(1);
    pawl.worker({ workflows: [workflow] });
    store.vanish(first.id);
    await decide?.(run);
    const result = await run.result();
    hold();
    const events = await allEvents(run);
    checkLog(events);
    return { result, bodies, types: events.map(({ type }) => type) };
  }

  test('retry: runs again', async () => {
    const { result, bodies, types } = await inDoubt('retry');
    expect([result, bodies]).toEqual(['charged 2', 2]);
    expect(types.filter((type) => type === 'effect.begun')).toHaveLength(2);
  });

  test('skip: is taken as done', async () => {
    expect(await inDoubt('skip')).toMatchObject({ result: undefined, bodies: 1 });
  });

  test('probe: the outside world tells', async () => {
    const yes: Doubt<string> = () => ({ happened: true, result: 'found' });
    expect(await inDoubt(yes)).toMatchObject({ result: 'found', bodies: 1 });
    const no: Doubt<string> = () => ({ happened: false });
    expect(await inDoubt(no)).toMatchObject({ result: 'charged 2', bodies: 2 });
  });

  test('ask: waits for a decision', async () => {
    const decided = await inDoubt('ask', async (run) => {
      await pause(100);
      await run.decide('charge', { decide: 'done', result: 'by hand' });
    });
    expect(decided).toMatchObject({ result: 'by hand', bodies: 1 });
  });
});
