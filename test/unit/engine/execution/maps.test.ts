// Goal: a map of very many items is small in what is kept of it, says how each item has ended, and is the same on each
// execution. Method: a store in memory; failures, retries, resumes, forks, crashes at each write, and races with others.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, expectTypeOf, test } from 'vitest';
import { defineGraph, defineWorkflow, type Results, type StepError } from 'pawl';
import { crashTest } from 'pawl/testing';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const long = { timeoutMs: 60_000 };

test(
  'of 2,000 items only pages are kept, and the run tells how far it is',
  { timeout: 60_000 },
  async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    const workflow = defineWorkflow({
      name: 'many',
      run: async (ctx) => {
        const done = await ctx.map('square', numbers(2_000), (n) => n * n, { onError: 'collect' });
        await ctx.checkpoint();
        return [done.length, done.completed, done.failed, done.at(1_999), done.at(2_000)];
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined, { id: 'm' });
    const last = { index: 1_999, status: 'completed', value: 1_999 ** 2 };
    expect(await run.result(long)).toEqual([2_000, 2_000, 0, last, undefined]);
    const fields = [...((await store.load('m'))?.snapshot?.fields.keys() ?? [])];
    expect(fields.filter((field) => field.startsWith('page:'))).toHaveLength(20);
    expect(fields.filter((field) => field.startsWith('step:'))).toEqual([]);
    expect((await run.info()).progress?.message).toMatch(/^square: \d+ of 2000$/);
  },
);

test('collect tells of each item how it has ended, and tries no more than its policy says', async () => {
  await using pawl = memoryPawl().pawl;
  let attempts = 0;
  const workflow = defineWorkflow({
    name: 'collects',
    run: async (ctx) => {
      const body = (n: number): string => {
        if (n === 1) attempts += 1;
        if (n === 1) throw new RangeError('no one');
        return `item ${n}`;
      };
      const retry = { attempts: 2, delay: 1 };
      const done = await ctx.map('all', [0, 1, 2], body, { onError: 'collect', retry });
      return [...done].map((one) => {
        if (one.status === 'completed') return [one.index, one.value];
        return [one.index, (one.error as StepError).code, String((one.error as StepError).cause)];
      });
    },
  });
  pawl.worker({ workflows: [workflow] });
  expect(await (await pawl.start(workflow, undefined)).result(long)).toEqual([
    [0, 'item 0'],
    [1, 'PAWL_STEP_FAILED', 'RangeError: no one'],
    [2, 'item 2'],
  ]);
  expect(attempts).toBe(2);
});

test('stop throws the failure that came first, and what was collected is tried again after a resume', async () => {
  await using pawl = memoryPawl().pawl;
  let isBroken = true;
  const bodies: number[] = [];
  const body = (n: number): number => {
    bodies.push(n);
    if (n === 2 && isBroken) throw new Error(`broken ${n}`);
    return n;
  };
  const workflow = defineWorkflow({
    name: 'twice',
    run: async (ctx) => {
      const done = await ctx.map('collected', numbers(4), body, {
        onError: 'collect',
        concurrency: 1,
      });
      const all = await ctx.map('stopped', numbers(4), body, { concurrency: 1 });
      return [done.failed, all];
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect(run.result(long)).rejects.toThrow('broken 2');
  expect(bodies).toEqual([0, 1, 2, 3, 0, 1, 2]);
  isBroken = false;
  await run.resume();
  expect(await run.result(long)).toEqual([0, numbers(4)]);
  // Only what had failed, and what was never begun.
  expect(bodies.slice(7)).toEqual([2, 2, 3]);
});

test('a name of a map is used once, an empty list is over at once, and forgetting begins anew', async () => {
  await using pawl = memoryPawl().pawl;
  const workflow = defineWorkflow({
    name: 'names',
    state: z.object({ round: z.number().default(0) }),
    run: async (ctx) => {
      const none = await ctx.map('none', [], () => 1);
      const codes: unknown[] = [];
      await ctx.map('m', [1], () => 'first');
      await ctx.map('m', [1], () => 'second').catch((error: StepError) => codes.push(error.code));
      ctx.forget('m:');
      const again = await ctx.map('m', [1], () => 'third');
      return [none, codes, again];
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  expect(await run.result(long)).toEqual([[], ['PAWL_STEP_NAME_REUSED'], ['third']]);
});

test('a map in a node of a graph leaves nothing when the visit is over', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const graph = defineGraph({
    name: 'graph',
    state: z.object({ sum: z.number().default(0), rounds: z.number().default(0) }),
    start: 'add',
    nodes: {
      add: async (ctx) => {
        const all = await ctx.map('each', numbers(150), (n) => n);
        const sum = ctx.state.sum + all.reduce((a, b) => a + b, 0);
        return { set: { sum, rounds: ctx.state.rounds + 1 } };
      },
    },
    edges: { add: (state) => (state.rounds < 3 ? 'add' : 'end') },
  });
  pawl.worker({ workflows: [graph] });
  const run = await pawl.start(graph, undefined, { id: 'g' });
  expect(await run.result(long)).toEqual({ sum: 3 * 11_175, rounds: 3 });
  const fields = [...((await store.load('g'))?.snapshot?.fields.keys() ?? [])];
  expect(fields.filter((field) => /^(page|items):/.test(field))).toEqual([]);
});

test('a handler that tells its own progress is not talked over', async () => {
  await using pawl = memoryPawl().pawl;
  const workflow = defineWorkflow({
    name: 'told',
    run: async (ctx) => {
      ctx.progress(0.5, 'my own');
      await ctx.map('m', numbers(20), () => pause(2), { concurrency: 2 });
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await run.result(long);
  expect((await run.info()).progress?.message).toBe('my own');
});

test('a fork in the middle of a map keeps the items that were over', async () => {
  await using pawl = memoryPawl().pawl;
  const bodies: string[] = [];
  const workflow = defineWorkflow({
    name: 'forked',
    run: (ctx) =>
      ctx.map(
        'm',
        numbers(4),
        (n) => {
          bodies.push(`${ctx.run} ${n}`);
          return n;
        },
        { concurrency: 1 },
      ),
  });
  pawl.worker({ workflows: [workflow] });
  await (await pawl.start(workflow, undefined, { id: 'f' })).result(long);
  const fork = await pawl.fork(workflow, 'f', { step: 'm:1' }, { id: 'fork' });
  expect(await fork.result(long)).toEqual(numbers(4));
  expect(bodies.filter((one) => one.startsWith('fork '))).toEqual(['fork 2', 'fork 3']);
});

test('a race with a map ends the same way after each crash', { timeout: 120_000 }, async () => {
  const workflow = defineWorkflow({
    name: 'raced',
    run: async (ctx) => {
      const first = await Promise.race([
        ctx.map('m', [1, 2, 3], (n) => n, { concurrency: 2 }).then(() => 'map'),
        ctx.step('a', () => null).then(() => ctx.step('b', () => 'steps')),
      ]);
      const after = await ctx.step(`after ${first}`, () => first);
      const all = await ctx.map(
        'n',
        [1, 2, 3],
        async (n, step) => {
          await step.step('inner', () => n);
          if (n === 2) throw new Error('two');
          return n;
        },
        { concurrency: 2, onError: 'collect' },
      );
      return [after, all.completed, [...all.failures()].map(({ index }) => index)];
    },
  });
  const report = await crashTest(workflow, undefined, { worker: { replayBudgetMs: 0.001 } });
  expect(report.violations).toEqual([]);
  expect(report.crashes).toBeGreaterThan(20);
});

test('results have the types of the bodies', () => {
  const workflow = defineWorkflow({
    name: 'typed',
    run: async (ctx) => {
      expectTypeOf(await ctx.map('a', [1], (n) => `${n}`)).toEqualTypeOf<string[]>();
      const how = { onError: 'collect' } as const;
      const done = await ctx.map('b', [1], async (n) => n, how);
      expectTypeOf(done).toEqualTypeOf<Results<number>>();
      for (const one of done) {
        if (one.status === 'completed') expectTypeOf(one.value).toEqualTypeOf<number>();
        else expectTypeOf(one.error).toEqualTypeOf<unknown>();
      }
      // @ts-expect-error -- there is no such way
      await ctx.map('c', [1], (n) => n, { onError: 'ignore' });
    },
  });
  expect(workflow.name).toBe('typed');
});
