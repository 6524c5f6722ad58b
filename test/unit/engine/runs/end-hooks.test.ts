// Goal: the hook for the end of a run is called at least once, whoever dies where; and once, when nobody dies. Method: a
// store in memory, whose processes die at each write; deletions, resumes and moves in between.
import { expect, expectTypeOf, test } from 'vitest';
import { defineGraph, defineWorkflow } from 'pawl';
import type { RunEnd } from 'pawl';
import { ManualClock } from 'pawl/testing';
import { z } from 'zod';
import type { CreateOutcome, CreateParams } from '../../../../src/core/store.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { Pawl } from '../../../../src/pawl.ts';
import { memoryPawl } from '../../../support/memory.ts';

function hooked(ends: RunEnd[], { fails = false } = {}) {
  return defineWorkflow({
    name: 'order',
    input: z.number(),
    signals: { go: z.string() },
    run: async (ctx, n): Promise<number> => {
      if (n === 0) await ctx.waitFor('go');
      if (fails) throw new TypeError('no stock');
      return n * 2;
    },
    onEnd: async (ctx, end) => {
      await ctx.step('tell', () => void ends.push(end));
    },
  });
}

test('a hook is told of the output, the tags, and when', async () => {
  await using pawl = memoryPawl().pawl;
  const ends: RunEnd[] = [];
  const order = hooked(ends);
  pawl.worker({ workflows: [order] });
  const run = await pawl.start(order, 21, { id: 'o-1', tags: { tenant: 'a' } });
  await run.result();
  await expect.poll(() => ends).toHaveLength(1);
  const { changedAt } = await run.info();
  const about = { run: 'o-1', workflow: 'order', tags: { tenant: 'a' }, endedAt: changedAt };
  expect(ends).toEqual([{ ...about, status: 'completed', output: 42 }]);
  const { runs } = await pawl.list({ workflow: 'order.end' });
  expect(runs).toMatchObject([{ tags: { 'end-of': 'o-1' }, parent: undefined }]);
  expect(runs[0]?.id.startsWith('o-1.end.')).toBe(true);
});

test('a hook is told of a failure, of a cancel, and of a cancel before the beginning', async () => {
  await using pawl = memoryPawl().pawl;
  const ends: RunEnd[] = [];
  const order = hooked(ends, { fails: true });
  const queued = await pawl.start(order, 1, { id: 'never' });
  await queued.cancel({ reason: 'not needed' });
  pawl.worker({ workflows: [order] });
  await pawl.start(order, 1, { id: 'fails' });
  const waits = await pawl.start(order, 0, { id: 'waits' });
  await expect.poll(async () => (await waits.info()).status).toBe('waiting');
  await waits.cancel({ reason: 'changed my mind' });
  await expect.poll(() => ends, { timeout: 10_000 }).toHaveLength(3);
  const told = Object.fromEntries(ends.map((end) => [end.run, end]));
  expect(told['fails']).toMatchObject({ status: 'failed', error: { message: 'no stock' } });
  expect(told['never']).toMatchObject({ status: 'cancelled', error: { message: 'not needed' } });
  expect(told['waits']).toMatchObject({ status: 'cancelled' });
});

test('each end of a run that is resumed has a hook of its own', async () => {
  await using pawl = memoryPawl().pawl;
  const ends: RunEnd[] = [];
  const order = hooked(ends, { fails: true });
  pawl.worker({ workflows: [order] });
  const run = await pawl.start(order, 1, { id: 'twice' });
  await expect.poll(() => ends).toHaveLength(1);
  await run.resume();
  await expect.poll(() => ends).toHaveLength(2);
  expect((await pawl.list({ workflow: 'order.end' })).runs).toHaveLength(2);
});

test('a hook that fails is tried again, and its finished steps are kept', async () => {
  await using pawl = memoryPawl().pawl;
  const calls = { first: 0, second: 0 };
  const order = defineWorkflow({
    name: 'order',
    run: () => null,
    onEnd: async (ctx) => {
      await ctx.step('first', () => void (calls.first += 1));
      calls.second += 1;
      if (calls.second < 2) throw new Error('mail is down');
    },
  });
  pawl.worker({ workflows: [order] });
  await (await pawl.start(order, undefined)).result();
  await expect.poll(() => calls.second, { timeout: 5_000 }).toBe(2);
  expect(calls.first).toBe(1);
});

test('a run that is deleted right behind its end has its hook, once; one before its end has none', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const ends: RunEnd[] = [];
  const order = hooked(ends);
  await pawl.start(order, 1, { id: 'unbegun' });
  expect(await pawl.delete('unbegun')).toBe(true);
  // Its end is there, and nobody was told: as if the worker had died right behind it.
  const cancelled = await pawl.start(order, 1, { id: 'gone' });
  await cancelled.cancel();
  expect(await pawl.delete('gone')).toBe(true);
  expect(await store.record('gone')).toBe(undefined);
  pawl.worker({ workflows: [order] });
  await expect.poll(() => ends).toHaveLength(1);
  expect(ends[0]).toMatchObject({ run: 'gone', status: 'cancelled' });
  // One that nobody needs any more does not come again when the run is deleted later.
  await (await pawl.start(order, 2, { id: 'later' })).result();
  await expect.poll(() => ends).toHaveLength(2);
  const [hook] = (await pawl.list({ tag: { key: 'end-of', value: 'later' } })).runs;
  await expect
    .poll(async () => (await store.transfer.export('later'))?.notifyPending, { timeout: 10_000 })
    .toBe(false);
  await pawl.delete(hook?.id ?? '');
  await pawl.delete('later');
  expect(
    (await pawl.list({ workflow: 'order.end' })).runs.map(({ tags }) => tags['end-of']),
  ).toEqual(['gone']);
});

test('the creation of a hook that is forgotten is made again', { timeout: 20_000 }, async () => {
  class ForgetfulStore extends MemoryRunStore {
    forgotten = 0;

    override async create(params: CreateParams): Promise<CreateOutcome> {
      const created = await super.create(params);
      if (params.workflow !== 'order.end' || this.forgotten > 0) return created;
      this.forgotten += 1;
      this.runs.delete(params.run);
      return created;
    }
  }
  const store = new ForgetfulStore();
  await using pawl = memoryPawl({ store }).pawl;
  const ends: RunEnd[] = [];
  const order = hooked(ends);
  pawl.worker({ workflows: [order] });
  await (await pawl.start(order, 1)).result();
  await expect.poll(() => ends, { timeout: 15_000 }).toHaveLength(1);
  expect(store.forgotten).toBe(1);
});

test('a worker without the code of the workflow starts the hook, one with it executes it', async () => {
  const clock = new ManualClock();
  const store = new MemoryRunStore({ clock });
  const queue = new MemoryResumeQueue();
  await using pawl = Pawl.assemble({ store, queue, clock });
  const ends: RunEnd[] = [];
  const order = hooked(ends);
  const other = defineWorkflow({ name: 'other', run: () => null });
  await (await pawl.start(order, 1, { id: 'o' })).cancel();
  pawl.worker({ workflows: [other] });
  for (let i = 0; i < 50; i++) await clock.advance(100);
  expect((await pawl.list({ workflow: 'order.end' })).runs).toMatchObject([{ status: 'queued' }]);
  pawl.worker({ workflows: [order] });
  for (let i = 0; i < 100 && ends.length === 0; i++) await clock.advance(100);
  expect(ends).toMatchObject([{ run: 'o', status: 'cancelled' }]);
});

test('a child with a hook is told of to its parent, and has its hook', async () => {
  await using pawl = memoryPawl().pawl;
  const ends: RunEnd[] = [];
  const order = hooked(ends);
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(order, 4)).result(),
  });
  pawl.worker({ workflows: [order, parent] });
  expect(await (await pawl.start(parent, undefined, { id: 'p' })).result()).toBe(8);
  await expect.poll(() => ends).toMatchObject([{ run: 'p.order', output: 8 }]);
});

test('a run that was moved before anybody was told has its hook where it came to', async () => {
  const from = memoryPawl().pawl;
  await using _ = from;
  await using to = memoryPawl().pawl;
  const ends: RunEnd[] = [];
  const order = hooked(ends);
  await (await from.start(order, 1, { id: 'moved' })).cancel();
  await from.start(order, 5, { id: 'open' });
  const lines: string[] = [];
  for await (const line of from.export()) lines.push(line);
  await to.import(lines);
  to.worker({ workflows: [order] });
  await expect.poll(() => ends, { timeout: 10_000 }).toHaveLength(2);
  expect(ends.map(({ run }) => run).toSorted()).toEqual(['moved', 'open']);
});

test('a graph has a hook as well', async () => {
  await using pawl = memoryPawl().pawl;
  const ends: unknown[] = [];
  const graph = defineGraph({
    name: 'graph',
    state: z.object({ n: z.number().default(1) }),
    start: 'a',
    nodes: { a: () => ({ set: { n: 7 } }) },
    onEnd: (_ctx, end) => void ends.push(end.status === 'completed' && end.output),
  });
  pawl.worker({ workflows: [graph] });
  await (await pawl.start(graph, undefined)).result();
  await expect.poll(() => ends).toEqual([{ n: 7 }]);
});

test('a name that leaves no room for the hook is refused', () => {
  const name = 'n'.repeat(61);
  expect(() => defineWorkflow({ name, run: () => null, onEnd: () => null })).toThrow(
    'at most 60 characters',
  );
});

test('the hook knows the type of the output', () => {
  const workflow = defineWorkflow({
    name: 'typed',
    run: () => ({ total: 3 }),
    onEnd: (ctx, end) => {
      expectTypeOf(ctx.run).toEqualTypeOf<string>();
      if (end.status === 'completed') expectTypeOf(end.output).toEqualTypeOf<{ total: number }>();
      else expectTypeOf(end.error.message).toEqualTypeOf<string>();
    },
  });
  expect(workflow.name).toBe('typed');
});
