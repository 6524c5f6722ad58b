// Goal: what is refused has changed nothing, in the state, in the memory and in the log; and a snapshot is never ahead of
// the log. Method: the memory store; reducers that throw, states that are too large, commits that hold too much.
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { decode } from '../../../../src/core/codec.ts';
import { SnapshotSchedule } from '../../../../src/engine/execution/snapshot-schedule.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import type { CommitOutcome, CommitParams } from '../../../../src/core/store.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { replaced } from '../../../support/replaced.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const account = {
  state: z.object({ balance: z.number().default(0) }),
  events: { paid: z.number(), audited: z.string() },
  reduce: {
    paid: (s: { balance: number }, amount: number) => ({ ...s, balance: s.balance + amount }),
    audited: (s: { balance: number }, by: string) => {
      if (by === 'nobody') throw new Error('nobody audits');
      return s;
    },
  },
} as const;

describe('a reducer that refuses', () => {
  test('the second event of a step leaves nothing of the step', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'account',
      ...account,
      async run(ctx) {
        const failure = await ctx
          .step('pay', (step) => {
            step.emit('paid', 100);
            step.emit('audited', 'nobody');
            return 'paid';
          })
          .catch((error: Error) => error.message);
        await ctx.checkpoint({ label: 'after' });
        return { failure, balance: ctx.state.balance };
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    const result = await run.result({ timeoutMs: 20_000 });
    expect(result).toMatchObject({ balance: 0, failure: expect.stringContaining('nobody audits') });
    const events = await allEvents(run);
    checkLog(events);
    expect(events.map(({ type }) => type)).not.toContain('paid');
    const [kept] = await run.checkpoints();
    expect(await pawl.run(workflow, run.id).checkpoint(kept?.id ?? '')).toEqual({ balance: 0 });
  });

  test('beside other steps takes only its own events', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'beside',
      ...account,
      async run(ctx) {
        await Promise.allSettled(
          ['ada', 'nobody', 'eve'].map((by) =>
            ctx.step(by, (step) => {
              step.emit('paid', 10);
              step.emit('audited', by);
            }),
          ),
        );
        return ctx.state.balance;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toBe(20);
  });
});

describe('a state that is too large', () => {
  let refusals = 0;
  let takeBack: () => void;

  // A writer that tries again for ever leaves no turn to a time-out: so it may go on in the end, and is found.
  beforeEach(() => {
    refusals = 0;
    takeBack = replaced(
      SnapshotSchedule.prototype,
      'take',
      (take) =>
        function (this: SnapshotSchedule, fold, params) {
          try {
            return take.call(this, fold, params);
          } catch (error) {
            refusals += 1;
            if (refusals < 50) throw error;
            return undefined;
          }
        },
    );
  });

  afterEach(() => {
    takeBack();
    expect(refusals).toBeLessThan(10);
  });

  test('fails the run, whatever the handler catches; no later call hangs, and what others wanted is noted', async () => {
    await using pawl = memoryPawl({ limits: { stateBytes: 2_000 } }).pawl;
    let later = 'not asked';
    const workflow = defineWorkflow({
      name: 'large',
      state: z.object({ notes: z.array(z.string()).default([]) }),
      async run(ctx) {
        await ctx.set({ notes: ['x'.repeat(3_000)] }).catch(() => undefined);
        await ctx.checkpoint().catch(() => undefined);
        later = await ctx
          .step('later', () => 'done')
          .catch((error: { code: string }) => error.code);
        return 'fine';
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'PAWL_RUN_FAILED',
      cause: { code: 'PAWL_LIMIT' },
    });
    expect(later).toBe('PAWL_LIMIT');
    const types = (await allEvents(run)).map(({ type }) => type);
    expect(types).not.toContain('step.completed');
  });

  test('fails the run once, also where every commit would have a snapshot', async () => {
    await using pawl = memoryPawl({ limits: { stateBytes: 2_000 } }).pawl;
    const workflow = defineWorkflow({
      name: 'eager',
      state: z.object({ notes: z.array(z.string()).default([]) }),
      run: (ctx) => ctx.set({ notes: ['x'.repeat(3_000)] }),
    });
    pawl.worker({ workflows: [workflow], replayBudgetMs: 0.001 });
    const run = await pawl.start(workflow, undefined);
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'PAWL_RUN_FAILED',
      cause: { code: 'PAWL_LIMIT' },
    });
    expect(refusals).toBe(1);
  });

  test('because of messages fails the run and not the process', async () => {
    await using pawl = memoryPawl({ limits: { stateBytes: 4_000 } }).pawl;
    const workflow = defineWorkflow({
      name: 'chat',
      signals: { message: z.string() },
      async run(ctx) {
        await ctx.step('work', () => pause(200));
        await ctx.checkpoint();
        for (let i = 0; ; i++) await ctx.waitFor('message', { as: `m${i}` });
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    for (let i = 0; i < 10; i++) await run.signal('message', 'x'.repeat(1_000));
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'PAWL_RUN_FAILED',
    });
  });
});

test('more events than a commit holds: no snapshot is ahead of the log', async () => {
  const ahead: string[] = [];
  class WatchedStore extends MemoryRunStore {
    override async commit(params: CommitParams): Promise<CommitOutcome> {
      const sum = params.snapshot?.set.get('state:sum');
      if (sum !== undefined) {
        const before = await this.events({ run: params.run, after: 0, limit: 5_000 });
        const added = [...before, ...params.events].filter(({ type }) => type === 'added').length;
        const state = decode(sum, { key: 'sum' });
        if (state !== added) ahead.push(`${String(state)} in the snapshot, ${added} in the log`);
      }
      await pause(1);
      return super.commit(params);
    }
  }
  await using pawl = memoryPawl({ store: new WatchedStore() }).pawl;
  const workflow = defineWorkflow({
    name: 'many',
    state: z.object({ sum: z.number().default(0) }),
    events: { added: z.number() },
    reduce: { added: (s: { sum: number }) => ({ sum: s.sum + 1 }) },
    async run(ctx) {
      const emits = Array.from({ length: 700 }, (_, i) => ctx.emit('added', i));
      await Promise.all([...emits, ctx.checkpoint({ label: 'in the middle' })]);
      return ctx.state.sum;
    },
  });
  pawl.worker({ workflows: [workflow], replayBudgetMs: 0.001 });
  const run = await pawl.start(workflow, undefined);
  expect(await run.result({ timeoutMs: 10_000 })).toBe(700);
  expect(ahead).toEqual([]);
  checkLog(await allEvents(run));
});
