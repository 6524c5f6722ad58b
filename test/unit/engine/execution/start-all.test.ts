// Goal: children are started by the hundred, at most so many at a time, each once, and their results come in order; a
// child is named, signalled, cancelled and listed by its parent. Method: a store in memory, counts, crashes and resumes.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineGraph, defineWorkflow, type Results, StepError } from 'pawl';
import { crashTest } from 'pawl/testing';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';

const work = { now: 0, most: 0 };
const double = defineWorkflow({
  name: 'double',
  input: z.number(),
  run: async (ctx, n) => {
    await ctx.step('work', async () => {
      work.now += 1;
      work.most = Math.max(work.most, work.now);
      await pause(1);
      work.now -= 1;
      if (n < 0) throw new RangeError(`no ${n}`);
    });
    return n * 2;
  },
});
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const long = { timeoutMs: 60_000 };

describe('many children', () => {
  test(
    'are started, at most so many at a time, and their outputs come in order',
    { timeout: 60_000 },
    async () => {
      await using pawl = memoryPawl().pawl;
      const parent = defineWorkflow({
        name: 'parent',
        run: (ctx) => ctx.startAll(double, numbers(250), { concurrency: 20 }),
      });
      pawl.worker({ workflows: [parent, double], concurrency: 200 });
      work.most = 0;
      const run = await pawl.start(parent, undefined, { id: 'p' });
      expect(await run.result(long)).toEqual(numbers(250).map((n) => n * 2));
      expect(work.most).toBeLessThanOrEqual(20);
      const children = await run.children({ limit: 500 });
      expect(children.runs).toHaveLength(250);
      expect(await pawl.list({ parent: 'p', limit: 500 })).toEqual(children);
      expect((await run.children({ status: 'failed' })).runs).toEqual([]);
      const { progress } = await run.info();
      expect(progress?.message).toContain('of 250');
    },
  );

  test(
    'of which one fails: no other is started, or all are, as is said',
    { timeout: 60_000 },
    async () => {
      await using pawl = memoryPawl().pawl;
      const inputs = [1, 2, -3, ...numbers(30)];
      const stops = defineWorkflow({
        name: 'stops',
        run: (ctx) => ctx.startAll(double, inputs, { concurrency: 2 }),
      });
      const collects = defineWorkflow({
        name: 'collects',
        run: async (ctx) => {
          const results = await ctx.startAll(double, inputs, { onError: 'collect' });
          const failures = [...results.failures()].map(({ index, error }) => {
            return [index, error instanceof StepError && String((error.cause as Error).cause)];
          });
          return {
            completed: results.completed,
            failed: results.failed,
            failures,
            last: results.at(32),
          };
        },
      });
      pawl.worker({ workflows: [stops, collects, double], concurrency: 100 });
      const stopped = await pawl.start(stops, undefined, { id: 's' });
      await expect(stopped.result(long)).rejects.toThrow('no -3');
      expect((await stopped.children({ limit: 100 })).runs.length).toBeLessThanOrEqual(5);
      const collected = await pawl.start(collects, undefined, { id: 'c' });
      expect(await collected.result(long)).toEqual({
        completed: 32,
        failed: 1,
        failures: [[2, expect.stringContaining('no -3')]],
        last: { index: 32, status: 'completed', value: 58 },
      });
    },
  );

  test('have ids of one’s own choice; an input that does not fit starts none', async () => {
    await using pawl = memoryPawl().pawl;
    const parent = defineWorkflow({
      name: 'parent',
      input: z.array(z.unknown()),
      run: (ctx, inputs) =>
        ctx.startAll(double, inputs as number[], { id: (n) => `double-of-${n}`, as: 'twice' }),
    });
    pawl.worker({ workflows: [parent, double] });
    const run = await pawl.start(parent, [3, 4]);
    expect(await run.result(long)).toEqual([6, 8]);
    expect(await pawl.run('double-of-4').result()).toBe(8);
    const bad = await pawl.start(parent, [5, 'six']);
    await expect(bad.result(long)).rejects.toMatchObject({ cause: { field: 'inputs[1].input' } });
    expect((await bad.children()).runs).toEqual([]);
    // An id that is somebody else's is that child's failure.
    const taken = await pawl.start(parent, [3]);
    await expect(taken.result(long)).rejects.toThrow('double-of-3');
  });

  test(
    'go on behind a resume: those that are over stay so, those that have failed are looked at again',
    { timeout: 30_000 },
    async () => {
      await using pawl = memoryPawl().pawl;
      let isBroken = true;
      const bodies: number[] = [];
      const fragile = defineWorkflow({
        name: 'fragile',
        input: z.number(),
        run: (ctx, n) =>
          ctx.step('work', () => {
            bodies.push(n);
            if (n === 3 && isBroken) throw new Error('broken');
            return n;
          }),
      });
      const parent = defineWorkflow({
        name: 'parent',
        run: (ctx) => ctx.startAll(fragile, numbers(6), { concurrency: 1 }),
      });
      pawl.worker({ workflows: [parent, fragile] });
      const run = await pawl.start(parent, undefined, { id: 'p' });
      await expect(run.result(long)).rejects.toThrow('broken');
      isBroken = false;
      const [failed] = (await run.children({ status: 'failed' })).runs;
      await pawl.run(failed?.id ?? '').resume();
      await run.resume();
      expect(await run.result(long)).toEqual(numbers(6));
      expect(bodies).toEqual([0, 1, 2, 3, 3, 4, 5]);
    },
  );

  test('of a node of a graph', { timeout: 30_000 }, async () => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'graph',
      state: z.object({ sum: z.number().default(0) }),
      start: 'fan',
      nodes: {
        fan: async (ctx) => {
          const all = await ctx.startAll(double, numbers(12), { concurrency: 5 });
          return { set: { sum: all.reduce((a, b) => a + b, 0) } };
        },
      },
    });
    pawl.worker({ workflows: [graph, double] });
    expect(await (await pawl.start(graph, undefined)).result(long)).toEqual({ sum: 132 });
  });

  test('survive a crash at each write', { timeout: 120_000 }, async () => {
    const parent = defineWorkflow({
      name: 'parent',
      run: async (ctx) => {
        const results = await ctx.startAll(double, [1, -1, 2], {
          concurrency: 2,
          onError: 'collect',
        });
        return [...results].map(({ status }) => status);
      },
    });
    const report = await crashTest(parent, undefined, { workflows: [double] });
    expect(report.violations).toEqual([]);
    expect(report.crashes).toBeGreaterThan(20);
  });

  test('have the types of their outputs', () => {
    const parent = defineWorkflow({
      name: 'parent',
      run: async (ctx) => {
        const all = await ctx.startAll(double, [1]);
        expectTypeOf(all).toEqualTypeOf<number[]>();
        const settled = await ctx.startAll(double, [1], { onError: 'collect' });
        expectTypeOf(settled).toEqualTypeOf<Results<number>>();
        // @ts-expect-error -- the input is another one
        await ctx.startAll(double, ['one']);
        const child = await ctx.start(asked, undefined);
        await child.signal('go', { n: 1 });
        // @ts-expect-error -- there is no such signal
        await child.signal('stop', { n: 1 });
        // @ts-expect-error -- the payload is another one
        await child.signal('go', 'one');
        expectTypeOf(await child.cancel()).toEqualTypeOf<boolean>();
      },
    });
    expect(parent.name).toBe('parent');
  });
});

const asked = defineWorkflow({
  name: 'asked',
  signals: { go: z.object({ n: z.number() }) },
  run: async (ctx) => (await ctx.waitFor('go'))?.n ?? -1,
});

describe('one child', () => {
  test('gets a signal of its parent once, whatever dies', { timeout: 60_000 }, async () => {
    const parent = defineWorkflow({
      name: 'parent',
      run: async (ctx) => {
        const child = await ctx.start(asked, undefined, { id: 'my-child' });
        await child.signal('go', { n: 7 });
        return [child.id, await child.result()];
      },
    });
    const ends: unknown[] = [];
    const report = await crashTest(parent, undefined, {
      workflows: [asked],
      select: (ending) => {
        ends.push(ending.output);
        return ending;
      },
    });
    expect(report.violations).toEqual([]);
    expect(ends[0]).toEqual(['my-child', 7]);
  });

  test('is cancelled by its parent, which goes on', async () => {
    await using pawl = memoryPawl().pawl;
    const parent = defineWorkflow({
      name: 'parent',
      run: async (ctx) => {
        const child = await ctx.start(asked, undefined);
        const first = await child.cancel({ reason: 'enough' });
        const how = await child.result().catch((error: Error) => error.message);
        return [first, how, await child.cancel({ as: 'again' })];
      },
    });
    pawl.worker({ workflows: [parent, asked] });
    const run = await pawl.start(parent, undefined, { id: 'p' });
    const [first, how, again] = await run.result(long);
    expect([first, again]).toEqual([true, false]);
    expect(how).toContain('enough');
    expect((await pawl.run('p.asked').info()).status).toBe('cancelled');
  });

  test('that is over takes no signal: the step has failed', async () => {
    await using pawl = memoryPawl().pawl;
    const parent = defineWorkflow({
      name: 'parent',
      run: async (ctx) => {
        const child = await ctx.start(asked, undefined);
        await child.cancel();
        await child.result().catch(() => null);
        await expect(child.signal('go', 'one' as never)).rejects.toMatchObject({
          code: 'PAWL_INVALID',
        });
        return child
          .signal('go', { n: 1 })
          .catch((error: StepError) => (error.cause as { code?: string }).code);
      },
    });
    pawl.worker({ workflows: [parent, asked] });
    expect(await (await pawl.start(parent, undefined)).result(long)).toBe('PAWL_RUN_ENDED');
  });

  test('keeps the id that it was given, or is refused', async () => {
    await using pawl = memoryPawl().pawl;
    const parent = defineWorkflow({
      name: 'parent',
      run: async (ctx) => (await ctx.start(double, 2, { id: 'mine' })).result(),
    });
    pawl.worker({ workflows: [parent, double] });
    expect(await (await pawl.start(parent, undefined, { id: 'p' })).result(long)).toBe(4);
    await pawl.delete('p');
    // A later parent of the same id does not move its child to another id.
    const again = await pawl.start(parent, undefined, { id: 'p' });
    await expect(again.result(long)).rejects.toThrow('mine');
  });
});
