// Goal: a run waits without holding anything, misses no message, and can be stopped and started. Method: the memory store.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import type { RunEvent } from 'pawl';
import { z } from 'zod';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { openInMemory } from '../../../../src/testing/open-in-memory.ts';
import { ManualClock } from '../../../../src/testing/manual-clock.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const typesOf = (events: readonly RunEvent[]): string[] => events.map(({ type }) => type);

const signals = { approved: z.object({ by: z.string() }), note: z.string() };

describe('sleep', () => {
  test('a short sleep stays in place', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'nap',
      async run(ctx) {
        await ctx.sleep('20ms');
        await ctx.sleep(10, { as: 'second' });
        return 'rested';
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toBe('rested');
    const events = await allEvents(run);
    checkLog(events);
    expect(typesOf(events).filter((type) => type === 'run.claimed')).toHaveLength(1);
  });

  test('a long sleep parks the run: no slot is held, and it wakes by itself', async () => {
    const clock = new ManualClock();
    const store = new MemoryRunStore({ clock });
    clock.follow(() => store.nextDueAt(clock.now()));
    await using pawl = memoryPawl({ clock, store }).pawl;
    const workflow = defineWorkflow({
      name: 'sleep',
      async run(ctx) {
        const before = await ctx.step('before', () => 1);
        await ctx.sleep('3d');
        return before + 1;
      },
    });
    const worker = pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    await expect.poll(() => worker.active).toBe(0);
    expect((await store.record(run.id))?.wakeAt).toBeGreaterThan(clock.now());
    await clock.advance('4d');
    expect(await run.result()).toBe(2);
    const events = await allEvents(run);
    checkLog(events);
    expect(typesOf(events).filter((type) => type === 'run.claimed')).toHaveLength(2);
    expect(typesOf(events)).not.toContain('run.resumed');
  });

  test('a run does not park while a step is at work', async () => {
    await using pawl = memoryPawl().pawl;
    const bodies: number[] = [];
    const workflow = defineWorkflow({
      name: 'both',
      async run(ctx) {
        await Promise.all([
          ctx.sleep('1.1s'),
          ctx.step('slow', async () => {
            bodies.push(1);
            await pause(300);
          }),
        ]);
        return 'both';
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toBe('both');
    expect(bodies).toHaveLength(1);
  });

  test('wrong lengths and names are refused', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'wrong',
      async run(ctx) {
        const wrong = [
          ctx.sleep('3 days' as '3d'),
          ctx.sleep(-1),
          ctx.sleepUntil(new Date('never')),
          ctx.sleep(1, { as: 'a › b' }),
        ];
        const settled = await Promise.allSettled(wrong);
        await ctx.sleep(1);
        const again = await ctx.sleep(1).catch((error: unknown) => error);
        return [...settled.map(({ status }) => status), (again as { code: string }).code];
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toEqual([
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'PAWL_STEP_NAME_REUSED',
    ]);
  });
});

describe('signals', () => {
  const approval = defineWorkflow({
    name: 'approval',
    signals,
    async run(ctx) {
      const answer = await ctx.waitFor('approved', { timeout: '5s' });
      return answer?.by ?? 'nobody';
    },
  });

  test('a signal sent before the wait is kept', async () => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(approval, undefined);
    await run.signal('approved', { by: 'kim' });
    pawl.worker({ workflows: [approval] });
    expect(await run.result()).toBe('kim');
  });

  test('a signal wakes a parked run at once', async () => {
    // A clock that stands still: nothing but the signal can wake the run.
    await using pawl = openInMemory({ clock: new ManualClock() });
    pawl.worker({ workflows: [approval] });
    const run = await pawl.start(approval, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    await run.signal('approved', { by: 'lee' });
    expect(await run.result()).toBe('lee');
    checkLog(await allEvents(run));
  });

  test('a signal reaches a handler that is at work', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'busy',
      signals,
      async run(ctx) {
        const [note] = await Promise.all([ctx.waitFor('note'), ctx.step('long', () => pause(400))]);
        return note;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('running');
    await run.signal('note', 'hello');
    expect(await run.result()).toBe('hello');
  });

  test('signals are taken in the order they came, and one with a known id is taken once', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'ordered',
      signals,
      async run(ctx) {
        const notes: (string | undefined)[] = [];
        for (let i = 0; i < 4; i++) {
          notes.push(await ctx.waitFor('note', { as: `note:${i}`, timeout: '300ms' }));
        }
        return notes;
      },
    });
    const run = await pawl.start(workflow, undefined);
    await run.signal('note', 'a', { id: 'one' });
    await run.signal('note', 'b');
    await run.signal('note', 'a', { id: 'one' });
    await run.signal('note', 'c');
    pawl.worker({ workflows: [workflow] });
    expect(await run.result()).toEqual(['a', 'b', 'c', undefined]);
  });

  test('any takes the first to come, all takes one of each', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'several',
      signals,
      async run(ctx) {
        const first = await ctx.waitForAny(['approved', 'note'], { timeout: '3s' });
        const both = await ctx.waitForAll(['approved', 'note'], { timeout: '3s' });
        const none = await ctx.waitForAny(['approved', 'note'], { timeout: '20ms', as: 'none' });
        return { first, both, none };
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await run.signal('note', 'first');
    await run.signal('note', 'second');
    await run.signal('approved', { by: 'kim' });
    expect(await run.result()).toEqual({
      first: { name: 'note', payload: 'first' },
      both: { approved: { by: 'kim' }, note: 'second' },
      none: undefined,
    });
  });

  test('a wrong signal is refused, and so is one to a run that is over', async () => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(approval, undefined);
    // @ts-expect-error -- no such signal
    await expect(run.signal('unknown', 1)).rejects.toMatchObject({ code: 'PAWL_INVALID' });
    // @ts-expect-error -- by is a text
    await expect(run.signal('approved', { by: 7 })).rejects.toMatchObject({ code: 'PAWL_INVALID' });
    await run.signal('approved', { by: 'kim' });
    pawl.worker({ workflows: [approval] });
    await run.result();
    await expect(run.signal('approved', { by: 'lee' })).rejects.toMatchObject({
      code: 'PAWL_RUN_ENDED',
      outcome: 'not-applied',
    });
  });
});

describe('pause and resume', () => {
  const counting = defineWorkflow({
    name: 'counting',
    state: z.object({ n: z.number().default(0) }),
    async run(ctx) {
      for (let i = ctx.state.n; i < 20; i++) {
        await ctx.step(`s${i}`, () => pause(10));
        await ctx.set({ n: i + 1 });
      }
      return ctx.state.n;
    },
  });

  test('a run at work stops at its next commit and goes on when it is resumed', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [counting] });
    const run = await pawl.start(counting, undefined);
    await expect.poll(async () => (await run.info()).seq).toBeGreaterThan(5);
    await run.pause({ actor: 'kim', reason: 'lunch' });
    await expect.poll(async () => (await run.info()).status).toBe('queued');
    const { seq, paused } = await run.info();
    expect(paused).toBe(true);
    await pause(200);
    expect((await run.info()).seq).toBe(seq);
    expect(await run.resume()).toBe(true);
    expect(await run.result()).toBe(20);
    const events = await allEvents(run);
    checkLog(events);
    expect(typesOf(events)).toContain('operator.resumed');
  });

  test('a queued run is not claimed while it is paused', async () => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(counting, undefined);
    await run.pause();
    pawl.worker({ workflows: [counting] });
    await pause(150);
    expect((await run.info()).status).toBe('queued');
    await run.resume();
    expect(await run.result()).toBe(20);
  });

  test('a failed run tries again from where it failed: finished steps keep their results', async () => {
    await using pawl = memoryPawl().pawl;
    const bodies: string[] = [];
    let broken = true;
    const workflow = defineWorkflow({
      name: 'flaky',
      async run(ctx) {
        await ctx.step('done', () => bodies.push('done'));
        await ctx.step('flaky', () => {
          bodies.push('flaky');
          if (broken) throw new Error('not yet');
        });
        return bodies.length;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_FAILED' });
    broken = false;
    expect(await run.resume({ reason: 'fixed' })).toBe(true);
    expect(await run.result()).toBe(3);
    expect(bodies).toEqual(['done', 'flaky', 'flaky']);
    expect(await run.resume()).toBe(false);
    checkLog(await allEvents(run));
  });

  test('a workflow may try again by itself, with pauses', async () => {
    await using pawl = memoryPawl().pawl;
    let attempts = 0;
    const workflow = defineWorkflow({
      name: 'again',
      retry: { attempts: 3, delay: 20 },
      async run(ctx) {
        attempts += 1;
        await ctx.step('maybe', () => {
          if (attempts < 3) throw new Error(`attempt ${attempts}`);
        });
        return attempts;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toBe(3);
    const events = await allEvents(run);
    checkLog(events);
    expect(typesOf(events).filter((type) => type === 'run.retried')).toHaveLength(2);
  });
});
