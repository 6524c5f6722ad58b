// Goal: parking is an optimisation: a handler that goes on after its run was parked loses nothing and hangs never. Method:
// the pure decision by itself, then handlers that await plain things beside their waits, on the memory store.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { decideParking, type ParkingInput } from '../../../../src/engine/execution/parking.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog, firstEvent } from '../../../support/workers.ts';

const free: ParkingInput = {
  waits: [{}],
  isBusy: false,
  isIdle: true,
  isCancelled: false,
  isLeaving: false,
  deadlineAt: undefined,
  now: 1_000,
  quietMs: 0,
  stayMs: 0,
};

describe('a run is parked', () => {
  test.each<[string, Partial<ParkingInput>, number | undefined]>([
    ['when a message is all it waits for', {}, undefined],
    ['until the first of its times', { waits: [{ until: 9_000 }, { until: 5_000 }] }, 4_000],
    ['until its deadline', { deadlineAt: 4_000 }, 3_000],
    ['when it has been quiet for long enough', { quietMs: 500, stayMs: 500 }, undefined],
  ])('%s', (_, input, wakeMs) => {
    expect(decideParking({ ...free, ...input })).toEqual({ park: true, wakeMs });
  });

  test.each<[string, Partial<ParkingInput>]>([
    ['it waits for nothing', { waits: [] }],
    ['a body is at work', { isBusy: true }],
    ['something is being written', { isIdle: false }],
    ['it is being cancelled', { isCancelled: true }],
    ['it is being let go of', { isLeaving: true }],
    ['it would be back in a moment', { waits: [{ until: 1_900 }] }],
  ])('not when %s', (_, input) => {
    expect(decideParking({ ...free, ...input })).toMatchObject({ park: false });
  });

  test('not before it has been quiet for a while, where its handler went on once', () => {
    const decision = decideParking({ ...free, quietMs: 200, stayMs: 500 });
    expect(decision).toEqual({ park: false, retryMs: 300 });
  });
});

const signals = { approved: z.string() };

describe('a handler that awaits plain things', () => {
  test('beside a wait goes on, though its run was parked, and nothing plain is done twice', async () => {
    const warnings: string[] = [];
    const say = (_: object, text: string): void => void warnings.push(text);
    const logger = { debug: () => undefined, info: () => undefined, warn: say, error: say };
    await using pawl = memoryPawl({ logger }).pawl;
    let reads = 0;
    const workflow = defineWorkflow({
      name: 'unread',
      signals,
      async run(ctx) {
        const talk = async (): Promise<void> => {
          reads += 1;
          await pause(120);
          await ctx.step('unread', () => 'sent');
        };
        const [by] = await Promise.all([ctx.waitFor('approved'), talk()]);
        return by;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await firstEvent(run, ({ data }) => (data as { name?: string }).name === 'unread');
    await run.signal('approved', 'ada');
    expect(await run.result({ timeoutMs: 20_000 })).toBe('ada');
    expect(reads).toBe(1);
    expect(warnings.filter((text) => text.includes('keeps its slot'))).toHaveLength(1);
    checkLog(await allEvents(run));
  });

  test('raced with a sleep: what came first wins', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'fetch',
      run: (ctx) =>
        Promise.race([pause(150).then(() => 'answer'), ctx.sleep('1h').then(() => 'timed out')]),
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toBe('answer');
  });

  test('after a race it has decided goes on to its end', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'behind',
      signals,
      async run(ctx) {
        await Promise.race([ctx.waitFor('approved'), ctx.sleep(20)]);
        await pause(100);
        return 'done';
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toBe('done');
  });

  test('is called again by another worker when its own dies while the run is parked', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    let calls = 0;
    const workflow = defineWorkflow({
      name: 'orphaned',
      signals,
      async run(ctx) {
        calls += 1;
        const mine = calls;
        const talk = async (): Promise<void> => {
          // The first worker never comes back from it.
          await pause(mine === 1 ? 60_000 : 10);
          await ctx.step('unread', () => 'sent');
        };
        await Promise.all([ctx.waitFor('approved'), talk()]);
        return calls;
      },
    });
    const one = pawl.worker({ workflows: [workflow], beatMs: 5_000 });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    store.vanish(one.id);
    pawl.worker({ workflows: [workflow] });
    await firstEvent(run, ({ data }) => (data as { name?: string }).name === 'unread');
    await run.signal('approved', 'ada');
    expect(await run.result({ timeoutMs: 20_000 })).toBe(2);
  });
});
