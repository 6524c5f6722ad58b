// Goal: a cancelled run ends soon, after it has cleaned up, whoever asked and whoever executes it. Method: the memory store.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import type { RunEvent } from 'pawl';
import type { CommitOutcome, CommitParams } from '../../../../src/core/store.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const typesOf = (events: readonly RunEvent[]): string[] => events.map(({ type }) => type);

describe('cancel', () => {
  test('ends a run that has not begun at once', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({ name: 'never', run: () => 1 });
    const run = await pawl.start(workflow, undefined);
    await run.cancel({ reason: 'not needed', actor: 'kim' });
    await expect(run.cancel()).rejects.toMatchObject({ code: 'PAWL_RUN_ENDED' });
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
    expect(typesOf(await allEvents(run))).toEqual(['run.created', 'run.cancelled']);
  });

  test('fires the signal of a step at work; clean-up runs, and its steps are stored', async () => {
    await using pawl = memoryPawl().pawl;
    const seen: string[] = [];
    const workflow = defineWorkflow({
      name: 'clean-up',
      async run(ctx) {
        try {
          await ctx.step('long', async ({ signal }) => {
            await pause(10_000, undefined, { signal });
          });
        } catch (error) {
          seen.push((error as { code: string }).code);
          throw error;
        } finally {
          await ctx.step('refund', ({ signal }) => seen.push(`refund ${signal.aborted}`));
        }
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('running');
    await pause(30);
    await run.cancel({ reason: 'changed my mind' });
    await expect(run.result()).rejects.toMatchObject({
      code: 'PAWL_RUN_CANCELLED',
      message: expect.stringContaining('changed my mind'),
    });
    expect(seen).toEqual(['PAWL_RUN_CANCELLED', 'refund false']);
    const events = await allEvents(run);
    checkLog(events);
    expect(typesOf(events).slice(-3)).toEqual([
      'run.cancelling',
      'step.completed',
      'run.cancelled',
    ]);
  });

  test('wakes a parked run, whose wait then throws', async () => {
    await using pawl = memoryPawl().pawl;
    const seen: unknown[] = [];
    const workflow = defineWorkflow({
      name: 'parked',
      async run(ctx) {
        await ctx.sleep('1h').catch(async (error: unknown) => {
          seen.push((error as { code: string }).code);
          await ctx.step('tidy', () => seen.push('tidied'));
        });
        return 'as if nothing had happened';
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
    expect(seen).toEqual(['PAWL_RUN_CANCELLED', 'tidied']);
  });

  test('undoes what was registered, the last first, whatever one of them throws', async () => {
    await using pawl = memoryPawl().pawl;
    const seen: string[] = [];
    const workflow = defineWorkflow({
      name: 'booking',
      async run(ctx) {
        for (const what of ['flight', 'hotel', 'car']) {
          await ctx.step(`book ${what}`, () => seen.push(`book ${what}`));
          ctx.onCancel(async ({ reason }) => {
            await ctx.step(`cancel ${what}`, () => seen.push(`cancel ${what}: ${reason}`));
            if (what === 'hotel') throw new Error('the hotel does not answer');
          });
        }
        await ctx.sleep('1h');
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    await run.cancel({ reason: 'ill' });
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
    expect(seen).toEqual([
      'book flight',
      'book hotel',
      'book car',
      'cancel car: ill',
      'cancel hotel: ill',
      'cancel flight: ill',
    ]);
    checkLog(await allEvents(run));
  });

  test('a worker that dies in a clean-up leaves it to the next, which undoes only what is left', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    const seen: string[] = [];
    let remove: () => void = () => undefined;
    const dead = new Promise<void>((resolve) => {
      remove = resolve;
    });
    const workflow = defineWorkflow({
      name: 'booking',
      async run(ctx) {
        for (const what of ['flight', 'hotel']) {
          await ctx.step(`book ${what}`, () => undefined);
          ctx.onCancel(async () => {
            await ctx.step(`cancel ${what}`, async () => {
              seen.push(what);
              // The first time, the worker dies here.
              if (seen.length === 2) await dead;
            });
          });
        }
        await ctx.sleep('1h');
      },
    });
    const first = pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    await run.cancel();
    await expect.poll(() => seen).toEqual(['hotel', 'flight']);
    pawl.worker({ workflows: [workflow] });
    store.vanish(first.id);
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
    expect(seen).toEqual(['hotel', 'flight', 'flight']);
    remove();
    checkLog(await allEvents(run));
  });

  test('does not wait for ever for a clean-up', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'stuck',
      run: () => new Promise<void>(() => undefined),
    });
    pawl.worker({ workflows: [workflow], cancelGraceMs: 100 });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('running');
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
  });

  test('that comes while a failed attempt is being stored lets no other attempt begin', async () => {
    class SlowStore extends MemoryRunStore {
      override async commit(params: CommitParams): Promise<CommitOutcome> {
        const outcome = await super.commit(params);
        if (params.events.some(({ type }) => type === 'step.retried')) {
          await pawl.run(params.run).cancel();
          await expect.poll(() => isTold).toBe(true);
        }
        return outcome;
      }
    }
    let isTold = false;
    let bodies = 0;
    await using pawl = memoryPawl({ store: new SlowStore() }).pawl;
    const workflow = defineWorkflow({
      name: 'late',
      run: (ctx) => {
        ctx.signal.addEventListener('abort', () => (isTold = true));
        return ctx.step(
          'fails',
          () => {
            bodies += 1;
            throw new Error('once more');
          },
          { retry: { attempts: 5, delay: 1 } },
        );
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'PAWL_RUN_CANCELLED',
    });
    expect(bodies).toBe(1);
  });
});
