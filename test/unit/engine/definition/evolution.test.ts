// Goal: code may change under running runs. Method: one store, two versions of a workflow, one after the other.
import { describe, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const events = { add: z.object({ n: z.int() }) };

/** Runs a bit, and then waits for a signal, so that the next version finds it in the middle. */
const first = defineWorkflow({
  name: 'growing',
  version: 1,
  state: z.object({ total: z.number().default(0) }),
  events,
  reduce: { add: (state, { n }) => ({ total: state.total + n }) },
  signals: { go: z.null() },
  async run(ctx) {
    if (ctx.state.total === 0) {
      await ctx.emit('add', { n: 1 });
      await ctx.checkpoint();
      await ctx.emit('add', { n: 2 });
    }
    const result = await ctx.step('old name', () => 'kept');
    await ctx.waitFor('go');
    return `${result} ${ctx.state.total}`;
  },
});

async function parkedRun(): Promise<ReturnType<typeof memoryPawl> & { id: string }> {
  const opened = memoryPawl();
  const worker = opened.pawl.worker({ workflows: [first] });
  const run = await opened.pawl.start(first, undefined);
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await worker.close();
  return { ...opened, id: run.id };
}

const second = {
  name: 'growing',
  version: 2,
  state: z.object({ sum: z.object({ total: z.number() }).default({ total: 0 }) }),
  events: { add: z.object({ amount: z.int() }) },
  reduce: {
    add: (state: { sum: { total: number } }, { amount }: { amount: number }) => ({
      sum: { total: state.sum.total + amount },
    }),
  },
  signals: { go: z.null() },
} as const;

test('states migrate, events are upcast, renamed steps keep their results', async () => {
  const { pawl, id } = await parkedRun();
  await using _ = pawl;
  let bodies = 0;
  const workflow = defineWorkflow({
    ...second,
    migrate: { 1: (old: { total: number }) => ({ sum: { total: old.total } }) },
    upcast: { add: (data: { n: number }) => ({ amount: data.n }) },
    async run(ctx) {
      const result = await ctx.step('new name', () => ++bodies, { was: 'old name' });
      await ctx.waitFor('go');
      await ctx.emit('add', { amount: 10 });
      return [result, ctx.state.sum.total];
    },
  });
  const run = pawl.run(workflow, id);
  pawl.worker({ workflows: [workflow] });
  await run.signal('go', null);
  expect(await run.result()).toEqual(['kept', 13]);
  expect(bodies).toBe(0);
  const log = await allEvents(run);
  checkLog(log);
  const versions = log.flatMap(({ type, data }) =>
    type === 'run.claimed' ? (data as { codeVersion: number }).codeVersion : [],
  );
  expect(versions).toEqual([1, 2]);
});

describe('a state that does not fit', () => {
  test('sets the run aside, untouched, with the reason; with a migration it goes on', async () => {
    const { pawl, store, id } = await parkedRun();
    await using _ = pawl;
    const upcast = { add: (data: { n: number }) => ({ amount: data.n }) };
    const strict = {
      ...second,
      state: z.strictObject({ sum: z.object({ total: z.number() }).default({ total: 0 }) }),
      upcast,
      run: (ctx: { state: { sum: { total: number } } }) => ctx.state.sum.total,
    };
    const before = (await store.load(id))?.snapshot;
    const broken = defineWorkflow(strict);
    const worker = pawl.worker({ workflows: [broken] });
    await pawl.run(first, id).signal('go', null);
    await expect(pawl.run(id).result()).rejects.toMatchObject({
      code: 'PAWL_RUN_QUARANTINED',
      cause: { code: 'PAWL_STATE_MISFIT', message: expect.stringContaining('migrate[1]') },
    });
    expect((await store.load(id))?.snapshot).toEqual(before);
    await worker.close();

    const fixed = defineWorkflow({
      ...strict,
      migrate: { 1: (old: { total: number }) => ({ sum: { total: old.total } }) },
    });
    pawl.worker({ workflows: [fixed] });
    expect(await pawl.run(id).resume({ reason: 'migration added' })).toBe(true);
    expect(await pawl.run(id).result()).toBe(3);
  });
});
