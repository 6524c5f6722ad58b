// Goal: a body that has begun may finish, and there is never a second one that can write. Method: the memory store; bodies
// that are slow, stubborn or nested, workers that close and runs that are paused meanwhile.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog, firstEvent } from '../../../support/workers.ts';

const named =
  (name: string) =>
  ({ data }: { data: unknown }) =>
    (data as { name?: string }).name === name;

describe('a step that is tried again', () => {
  test('waits for the bodies inside of it, and finds their results', async () => {
    await using pawl = memoryPawl().pawl;
    let charges = 0;
    let atOnce = 0;
    let most = 0;
    const workflow = defineWorkflow({
      name: 'nested',
      async run(ctx) {
        return ctx.step(
          'outer',
          async (step) => {
            const charge = step.step('charge', async () => {
              atOnce += 1;
              most = Math.max(most, atOnce);
              await pause(60);
              charges += 1;
              atOnce -= 1;
              return 'charged';
            });
            const fails = step.step('fails', () => {
              if (step.attempt === 1) throw new Error('once');
              return 'fine';
            });
            await Promise.all([charge, fails]);
            return step.attempt;
          },
          { retry: { attempts: 3, delay: 1 } },
        );
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toBe(2);
    expect({ charges, most }).toEqual({ charges: 1, most: 1 });
  });

  test('after it ran out of time stores nothing more of the attempt before', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'late',
      async run(ctx) {
        const result = await ctx.step(
          'build',
          (step) =>
            step.step('write', async ({ signal }) => {
              // Stubborn: it does not look at its signal, but at which attempt it is.
              expect(signal).toBeDefined();
              if (step.attempt === 1) await pause(150);
              return step.attempt;
            }),
          { retry: { attempts: 2, delay: 1 }, timeout: 40 },
        );
        await ctx.step('afterwards', () => pause(250));
        return result;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toBe(2);
    const writes = (await allEvents(run)).filter(named('build › write'));
    expect(writes).toHaveLength(1);
  });

  test('keeps its pause over a change of workers, and holds no slot for it', async () => {
    await using pawl = memoryPawl().pawl;
    const attempts: number[] = [];
    const workflow = defineWorkflow({
      name: 'paused',
      run: (ctx) =>
        ctx.step(
          'flaky',
          ({ attempt }) => {
            attempts.push(performance.now());
            if (attempt === 1) throw new Error('once');
            return attempt;
          },
          { retry: { attempts: 2, delay: 3_000, maxDelay: 3_000 } },
        ),
    });
    const one = pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    expect(one.active).toBe(0);
    const { wakeAt } = await pawl.run(run.id).info();
    await one.close();
    await pause(500);
    pawl.worker({ workflows: [workflow] });
    // Not begun anew: the time is still the one that the log has.
    const [retried, ...others] = (await allEvents(run)).filter(
      ({ type }) => type === 'step.retried',
    );
    const { dueAt = 0 } = (retried?.data ?? {}) as { dueAt?: number };
    expect(Math.abs(dueAt - Number(wakeAt))).toBeLessThan(50);
    expect(others).toEqual([]);
    expect(await run.result({ timeoutMs: 20_000 })).toBe(2);
    const waited = (attempts[1] ?? 0) - (attempts[0] ?? 0);
    expect(waited).toBeGreaterThan(1_400);
  });
});

describe('a map', () => {
  test('begins no other item when one has failed, and its handler may go on', async () => {
    await using pawl = memoryPawl().pawl;
    const begun: number[] = [];
    const workflow = defineWorkflow({
      name: 'map',
      async run(ctx) {
        const items = Array.from({ length: 40 }, (_, i) => i);
        const body = async (item: number): Promise<number> => {
          begun.push(item);
          await pause(5);
          if (item === 3) throw new Error('bad item');
          return item;
        };
        const failed = await ctx.map('items', items, body, { concurrency: 4 }).then(
          () => false,
          () => true,
        );
        return failed ? ctx.step('undo', () => 'undone') : 'all done';
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toBe('undone');
    expect(begun.length).toBeLessThanOrEqual(8);
  });
});

describe('letting go', () => {
  const workflowOf = (bodies: { count: number }, ms: number) =>
    defineWorkflow({
      name: 'slow-step',
      signals: { note: z.string() },
      async run(ctx) {
        const slow = ctx.step('slow', async () => {
          bodies.count += 1;
          await pause(ms);
        });
        await ctx.step('quick', () => pause(50));
        await slow;
        return 'done';
      },
    });

  test('of a worker lets bodies finish within its grace, whatever else is committed', async () => {
    await using pawl = memoryPawl().pawl;
    const bodies = { count: 0 };
    const workflow = workflowOf(bodies, 400);
    const one = pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(() => bodies.count).toBe(1);
    const closed = one.close({ graceMs: 5_000 });
    await pause(20);
    await run.signal('note', 'x');
    await closed;
    pawl.worker({ workflows: [workflow] });
    expect(await run.result({ timeoutMs: 20_000 })).toBe('done');
    expect(bodies.count).toBe(1);
    checkLog(await allEvents(run));
  });

  test('by a pause lets bodies finish, and is noted once', async () => {
    await using pawl = memoryPawl().pawl;
    const bodies = { count: 0 };
    const workflow = workflowOf(bodies, 300);
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(() => bodies.count).toBe(1);
    await run.pause({ actor: 'ada' });
    for (let i = 0; i < 5; i++) await run.signal('note', String(i));
    await firstEvent(run, ({ type }) => type === 'operator.paused');
    await run.resume();
    expect(await run.result({ timeoutMs: 20_000 })).toBe('done');
    expect(bodies.count).toBe(1);
    const events = await allEvents(run);
    expect(events.filter(({ type }) => type === 'operator.paused')).toHaveLength(1);
  });
});

describe('nobody ends the process', () => {
  test('a step that fails before it is awaited, and one that nobody awaits', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'unheld',
      async run(ctx) {
        const price = ctx.step('price', () => {
          throw new Error('no price');
        });
        await ctx.step('stock', () => pause(30));
        const caught = await price.catch(() => 'caught');
        void ctx.step('forgotten', () => Promise.reject(new Error('nobody looks')));
        return caught;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toBe('caught');
  });

  test('the loser of a race of steps is told, and the run ends with the answer', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'race-of-steps',
      run: (ctx) =>
        Promise.race([
          ctx.step('quick', () => 'quick'),
          ctx.step(
            'slow',
            ({ signal }) =>
              new Promise((_, reject) =>
                signal.addEventListener('abort', () => reject(signal.reason)),
              ),
          ),
        ]),
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toBe('quick');
  });

  test('a result that cannot be stored is a failure of the step, and no attempt of the run repeats it', async () => {
    await using pawl = memoryPawl().pawl;
    let mails = 0;
    const workflow = defineWorkflow({
      name: 'unstorable',
      retry: { attempts: 4, delay: 1 },
      async run(ctx) {
        await ctx.step('unread', () => {
          mails += 1;
          return { send: () => 'again' };
        });
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'PAWL_RUN_FAILED',
    });
    expect(mails).toBe(1);
    const types = (await allEvents(run)).map(({ type }) => type);
    expect(types).toContain('step.failed');
  });
});
