// Goal: what the log writer promises in moments that come rarely: large crowds of events, a hand-back, a parking that is
// refused, a Redis that has gone back. Method: stores in memory that dawdle, refuse or forget where it hurts.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { encode } from '../../../../src/core/codec.ts';
import { fixedLimits } from '../../../../src/core/limits.ts';
import type { CommitOutcome, CommitParams, CreateParams } from '../../../../src/core/store.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

test('a crowd of large events goes in commits that are not too large', async () => {
  const sizes: number[] = [];
  class WatchedStore extends MemoryRunStore {
    override async commit(params: CommitParams): Promise<CommitOutcome> {
      sizes.push(params.events.reduce((sum, { data }) => sum + data.length, 0));
      return super.commit(params);
    }
  }
  await using pawl = memoryPawl({ store: new WatchedStore() }).pawl;
  const workflow = defineWorkflow({
    name: 'large',
    events: { page: z.string() },
    reduce: { page: (state) => state },
    async run(ctx) {
      const text = 'x'.repeat(100_000);
      await Promise.all(Array.from({ length: 30 }, () => ctx.emit('page', text)));
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await run.result({ timeoutMs: 20_000 });
  expect(Math.max(...sizes)).toBeLessThanOrEqual(fixedLimits.bytesPerCommit);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(3_000_000);
});

test('a handler whose last results were handed back does not go on', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const stored: string[] = [];
  class SlowStore extends MemoryRunStore {
    override async commit(params: CommitParams): Promise<CommitOutcome> {
      // The first result waits for its answer, so the second one waits for its commit.
      if (params.events.some(({ type }) => type === 'step.completed') && stored.length === 0) {
        stored.push('first');
        await held;
      }
      return super.commit(params);
    }
  }
  const store = new SlowStore();
  const { pawl } = memoryPawl({ store });
  const wentOn: string[] = [];
  const workflow = defineWorkflow({
    name: 'leaving',
    events: { noted: z.number() },
    reduce: { noted: (state) => state },
    async run(ctx) {
      const one = ctx.step('one', () => 1).then(() => wentOn.push('one'));
      await pause(20);
      await ctx.emit('noted', 2);
      wentOn.push('two');
      await one;
    },
  });
  const worker = pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect.poll(() => stored).toEqual(['first']);
  await pause(60);
  const closing = worker.close({ graceMs: 0 });
  await pause(20);
  release();
  await closing;
  await pause(20);
  expect(wentOn).not.toContain('two');
  // What it had done is not lost.
  const events = await store.events({ run: run.id, after: 0, limit: 100 });
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['step.completed', 'noted']),
  );
  await pawl.close();
});

test('what goes along with a parking that was refused goes along with the next commit', async () => {
  let isNew = true;
  class BusyStore extends MemoryRunStore {
    override async commit(params: CommitParams): Promise<CommitOutcome> {
      if (params.release?.status === 'waiting' && isNew) {
        isNew = false;
        const data = encode('ada', 'signal', 100);
        await super.post({ run: params.run, id: 'x', kind: 'signal', name: 'go', data });
      }
      return super.commit(params);
    }
  }
  await using pawl = memoryPawl({ store: new BusyStore() }).pawl;
  const workflow = defineWorkflow({
    name: 'piggybacks',
    signals: { go: z.string() },
    async run(ctx) {
      // Withdrawing the long sleep is noted with whatever is written next: here, with the parking.
      await ctx.race({ long: ctx.sleep('1h'), short: ctx.step('short', () => pause(20)) });
      return ctx.waitFor('go');
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  expect(await run.result({ timeoutMs: 20_000 })).toBe('ada');
  const events = await allEvents(run);
  checkLog(events);
  expect(events.map(({ type }) => type)).toContain('wait.withdrawn');
});

test('an owner that is fenced because Redis has forgotten its claim says so in the log', async () => {
  const before = new MemoryRunStore();
  const after = new MemoryRunStore();
  let now = before;
  // The store of before goes on with what it had when the run was created.
  const store = new Proxy(before, {
    get(_, name) {
      const value: unknown = Reflect.get(now, name);
      return typeof value === 'function' ? value.bind(now) : value;
    },
  });
  const create = before.create.bind(before);
  before.create = async (params: CreateParams) => {
    await after.create(params);
    return create(params);
  };
  await using pawl = memoryPawl({ store }).pawl;
  const workflow = defineWorkflow({
    name: 'forgotten',
    async run(ctx) {
      await ctx.step('one', () => 1);
      await ctx.step('two', () => {
        now = after;
      });
      return 'done';
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect.poll(async () => (await after.record(run.id))?.seq ?? 0).toBeGreaterThan(1);
  const events = await after.events({ run: run.id, after: 0, limit: 100 });
  expect(events.map(({ type }) => type)).toContain('run.rewound');
  expect(await run.result({ timeoutMs: 20_000 })).toBe('done');
});
