// Goal: the items of a map are undone one at a time, the last one first, at the place of the map in its run; and a crash, an
// item that cannot be undone, or missing code loses none and does none twice. Method: engine over the memory store.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Context, defineWorkflow, type RunHandle } from 'pawl';
import { crashTest } from 'pawl/testing';
import { foldAt } from '../../../../src/engine/runs/fold-at.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, firstEvent } from '../../../support/workers.ts';

const quick = { attempts: 2, delay: 1 } as const;

function workflowOf(run: (ctx: Context) => Promise<unknown>, version = 1) {
  return defineWorkflow({ name: 'many', version, run: (ctx) => run(ctx) });
}

async function asked(run: RunHandle): Promise<readonly string[]> {
  await expect
    .poll(async () => (await run.info()).waits.filter(({ kind }) => kind === 'undo').length, {
      timeout: 10_000,
    })
    .toBe(1);
  return (await run.info()).waits.flatMap(({ on = [] }) => on);
}

test('a map stands in the order as one, where the last of its items completed', async () => {
  await using pawl = memoryPawl().pawl;
  const said: unknown[] = [];
  const note = (name: string) => ({ undo: () => said.push(name) });
  const workflow = workflowOf(async (ctx) => {
    await ctx.step('before', () => 0, note('before'));
    const seats = ctx.map(
      'seats',
      ['a', 'b', 'c', 'd'],
      async (seat, _, index) => {
        await pause(index === 0 ? 30 : 1);
        if (seat === 'c') throw new Error('taken');
        return `${seat}-${index}`;
      },
      {
        onError: 'collect',
        undo: (item, result, { because, idempotencyKey }, index) => {
          said.push([item, result, because, index, typeof idempotencyKey]);
        },
      },
    );
    await ctx.step('beside', () => 0, note('beside'));
    expect((await seats).failed).toBe(1);
    await ctx.step('after', () => 0, note('after'));
    throw new Error('no');
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no');
  const about = ['failed'] as const;
  expect(said).toEqual([
    'after',
    ['d', 'd-3', ...about, 3, 'string'],
    ['b', 'b-1', ...about, 1, 'string'],
    ['a', 'a-0', ...about, 0, 'string'],
    'beside',
    'before',
  ]);
  const log = await allEvents(run);
  expect(log.at(-1)).toMatchObject({ type: 'run.failed', data: { undone: true } });
  const undos = log.flatMap(({ data }) => (data as { name?: string }).name ?? []);
  expect(undos).toContain('seats:3 ›› undo');
});

test('what a map has done that failed, or was cut short by a cancel, is undone', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const said: unknown[] = [];
  const workflow = workflowOf(async (ctx) => {
    const items = [...Array(250).keys()];
    const how = { concurrency: 1, undo: (item: number) => said.push(item) };
    await ctx.map('fine', items.slice(0, 3), (item) => item, how);
    await ctx.map(
      'long',
      items,
      async (item, step) => {
        if (item === 205) await pause(60_000, undefined, { signal: step.signal });
        return item;
      },
      how,
    );
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await firstEvent(run, ({ data }) => (data as { name?: string }).name === 'long:204');
  await run.cancel();
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
    code: 'PAWL_RUN_CANCELLED',
  });
  const down = [...Array(205).keys()].toReversed();
  expect(said).toEqual([...down, 2, 1, 0]);
  // Of what is undone, only the results of the maps are left.
  const { bookkeeping } = await foldAt(store, workflow, run.id, (await run.info()).seq);
  const fields = [...bookkeeping.keys()];
  expect(fields).toContain('page:long:2');
  expect(fields.filter((field) => /^(step|undo|timer|effect):/.test(field))).toEqual([]);
});

test('an item that cannot be undone waits for a person; the ones before it come after that', async () => {
  await using pawl = memoryPawl().pawl;
  const said: unknown[] = [];
  const workflow = workflowOf(async (ctx) => {
    await ctx.map('book', [0, 1, 2], (item) => item, {
      undo: {
        retry: quick,
        run: (item) => {
          said.push(item);
          if (item === 1) throw new Error('desk closed');
        },
      },
    });
    throw new Error('no');
  });
  const first = pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  expect(await asked(run)).toEqual(['book:1 ›› undo']);
  expect(said).toEqual([2, 1, 1]);
  await first.close();
  pawl.worker({ workflows: [workflow] });
  await run.decide('book:1 ›› undo', { decide: 'retry' });
  await expect.poll(() => said.length, { timeout: 10_000 }).toBe(5);
  expect(await asked(run)).toEqual(['book:1 ›› undo']);
  await run.decide('book:1 ›› undo', { decide: 'done', result: 'by hand' });
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no');
  expect(said).toEqual([2, 1, 1, 1, 1, 0]);
});

test('code that does not know the map any more asks once, for all of its items', async () => {
  await using pawl = memoryPawl().pawl;
  const said: unknown[] = [];
  const make = (version: number, hold: Promise<void> | undefined, items?: readonly number[]) =>
    workflowOf(async (ctx) => {
      if (items !== undefined)
        await ctx.map('book', items, (item) => item, { undo: (item) => said.push(item) });
      await hold;
      throw new Error('no');
    }, version);
  const old = make(1, new Promise(() => undefined), [0, 1, 2]);
  const first = pawl.worker({ workflows: [old] });
  const run = await pawl.start(old);
  await firstEvent(run, ({ data }) => (data as { item?: { over?: true } }).item?.over === true);
  await first.close({ graceMs: 0 });
  const second = pawl.worker({ workflows: [make(2, undefined)] });
  expect(await asked(run)).toEqual(['book:* ›› undo']);
  await second.close({ graceMs: 0 });
  pawl.worker({ workflows: [make(3, undefined, [0, 1, 2])] });
  await run.decide('book:* ›› undo', { decide: 'retry' });
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no');
  expect(said).toEqual([2, 1, 0]);
});

test('no death anywhere leaves an item as it is, or undoes it twice', async () => {
  const done = new Map<string, number>();
  const workflow = workflowOf(async (ctx) => {
    await ctx.map(
      'seats',
      ['a', 'b', 'c'],
      (seat, { idempotencyKey }) => {
        if (seat === 'b') throw new Error('taken');
        done.set(idempotencyKey, 1);
        return idempotencyKey;
      },
      {
        concurrency: 2,
        onError: 'collect',
        undo: { retry: quick, run: (_, key) => done.set(key, (done.get(key) ?? 0) - 1) },
      },
    );
    throw new Error('no seats');
  });
  const { violations } = await crashTest(workflow, undefined, {
    setUp: () => done.clear(),
    observe: () => [...done.values()].map((left) => left <= 0),
  });
  expect(violations).toEqual([]);
});

test('results that were forgotten are undone all the same, and their name is not free', async () => {
  await using pawl = memoryPawl().pawl;
  const said: unknown[] = [];
  const workflow = workflowOf(async (ctx) => {
    const book = () =>
      ctx.map('book', [0, 1], (item) => item, {
        undo: (item, result) => said.push([item, result]),
      });
    const flight = () =>
      ctx.step('flight', () => 'LH 400', { undo: (result) => said.push(result) });
    await book();
    await flight();
    ctx.forget('book:');
    ctx.forget('flight');
    await ctx.step('later', () => 0);
    await expect(book()).rejects.toMatchObject({ code: 'PAWL_STEP_NAME_REUSED' });
    await flight();
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
    cause: { code: 'PAWL_STEP_NAME_REUSED' },
  });
  expect(said).toEqual(['LH 400', [1, 1], [0, 0]]);
});
