// Goal: time that a test owns moves as the real one does, only faster. Method: the clock alone, then the engine on it.
import { describe, expect, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { ManualClock, openInMemory } from 'pawl/testing';
import { z } from 'zod';
import { MemoryResumeQueue } from '../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../src/memory/run-store.ts';
import { allEvents, checkLog } from '../../support/workers.ts';

const day = 86_400_000;

describe('the clock alone', () => {
  test('stands still, and fires timers in order of their times, each at its own', async () => {
    const clock = new ManualClock(1000);
    const seen: (readonly [string, number])[] = [];
    for (const ms of [300, 100, 200]) {
      void clock.sleep(ms).then(() => seen.push([`${ms}`, clock.now()]));
    }
    await clock.settle();
    expect(seen).toEqual([]);
    await clock.advance(250);
    expect(seen).toEqual([
      ['100', 1100],
      ['200', 1200],
    ]);
    expect([clock.now(), clock.monotonic()]).toEqual([1250, 250]);
    await clock.advance(50);
    expect(seen.at(-1)).toEqual(['300', 1300]);
  });

  test('a timer that is set by a timer counts from there', async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    const work = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(day);
        seen.push(clock.now());
      }
    };
    void work();
    await clock.advance('3d');
    expect(seen).toEqual([day, 2 * day, 3 * day]);
  });

  test('a signal ends a sleep, and nothing waits for it any more', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const slept = clock.sleep(day, stop.signal);
    stop.abort();
    await slept;
    await clock.sleep(day, stop.signal);
    expect(await clock.advanceToNext()).toBe(false);
  });

  test('periodic tasks run a few times between stops, and once at each', async () => {
    const clock = new ManualClock(0);
    const calls: number[] = [];
    const stop = clock.repeat(async () => {
      calls.push(clock.now());
      return 25;
    });
    void clock.sleep(day);
    await clock.advance('3d');
    expect(calls.length).toBeLessThan(20);
    expect(calls.slice(0, 3)).toEqual([0, 25, 50]);
    expect(calls).toContain(day);
    expect(calls.at(-1)).toBe(3 * day);
    await stop();
    await clock.advance('1d');
    expect(calls.at(-1)).toBe(3 * day);
  });

  test('a periodic task is never called while it is at work', async () => {
    const clock = new ManualClock(0);
    let atWork = 0;
    let most = 0;
    const stop = clock.repeat(async () => {
      most = Math.max(most, ++atWork);
      await clock.sleep(100);
      atWork -= 1;
      return 10;
    });
    await clock.advance('1s');
    expect(most).toBe(1);
    const stopped = stop();
    await clock.advance(100);
    await stopped;
    expect(atWork).toBe(0);
  });

  test('refuses what is not a duration', () => {
    expect(() => new ManualClock().advance(-1)).toThrow(/advance must be milliseconds/);
  });
});

describe('the engine on it', () => {
  test('three days of sleeps and time-outs cost milliseconds, and each counts from the last', async () => {
    const clock = new ManualClock();
    await using pawl = openInMemory({ clock });
    const workflow = defineWorkflow({
      name: 'patient',
      signals: { never: z.object({}) },
      async run(ctx) {
        const times = [await ctx.now('start')];
        await ctx.sleep('3d');
        times.push(await ctx.now('slept'));
        const signal = await ctx.waitFor('never', { timeout: '2d' });
        times.push(await ctx.now('gave up'));
        await ctx.sleep(20);
        return { days: times.map((time) => (Number(time) - Number(times[0])) / day), signal };
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    const result = run.result();
    await clock.advance('5d');
    await clock.advance(20);
    expect(await result).toEqual({ days: [0, 3, 5], signal: undefined });
    const events = await allEvents(run);
    checkLog(events);
    expect(events.some(({ type }) => type === 'run.interrupted')).toBe(false);
  });

  test('a run does not go on before its time', async () => {
    const clock = new ManualClock();
    await using pawl = openInMemory({ clock });
    const workflow = defineWorkflow({ name: 'early', run: (ctx) => ctx.sleep('3d') });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await clock.advance(3 * day - 1);
    expect((await run.info()).status).toBe('waiting');
    await clock.advance(1);
    expect((await run.info()).status).toBe('completed');
  });

  test('retries back off on the clock', async () => {
    const clock = new ManualClock();
    await using pawl = openInMemory({ clock });
    const attempts: number[] = [];
    const workflow = defineWorkflow({
      name: 'backing-off',
      async run(ctx) {
        const body = ({ attempt }: { attempt: number }): string => {
          attempts.push(attempt);
          if (attempt < 3) throw new Error('not yet');
          return 'yes';
        };
        return ctx.step('third', body, { retry: { attempts: 3, delay: 60_000 } });
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await clock.settle();
    expect(attempts).toEqual([1]);
    await clock.advance('1h');
    expect(await run.result()).toBe('yes');
    expect(attempts).toEqual([1, 2, 3]);
  });

  test('leaps cost no worker its session, however many there are', async () => {
    const clock = new ManualClock();
    await using pawl = openInMemory({ clock });
    let release: (value: string) => void = () => undefined;
    const hold = new Promise<string>((resolve) => (release = resolve));
    const workflow = defineWorkflow({ name: 'held', run: (ctx) => ctx.step('a', () => hold) });
    for (let i = 0; i < 4; i++) pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    for (let i = 0; i < 5; i++) await clock.advance('3d');
    expect(await run.info()).toMatchObject({ status: 'running', takeovers: 0 });
    expect(await pawl.workers()).toHaveLength(4);
    release('done');
    expect(await run.result()).toBe('done');
  });

  test('a dead worker is noticed within a second', async () => {
    const clock = new ManualClock();
    const store = new MemoryRunStore({ clock });
    await using pawl = Pawl.assemble({ store, clock, queue: new MemoryResumeQueue() });
    let bodies = 0;
    const workflow = defineWorkflow({
      name: 'lost',
      run: (ctx) =>
        ctx.step('a', () => (++bodies === 1 ? new Promise<string>(() => undefined) : 'second')),
    });
    const first = pawl.worker({ workflows: [workflow], concurrency: 1 });
    const run = await pawl.start(workflow, undefined);
    await clock.settle();
    pawl.worker({ workflows: [workflow] });
    await clock.settle();
    store.vanish(first.id);
    await clock.advance('1s');
    expect(await run.result()).toBe('second');
    // The first one's handler never ends; closing it would wait for its grace.
    const closed = pawl.close({ graceMs: 0 });
    await clock.advance('1m');
    await closed;
  });

  test('an ended run is deleted when its time to be kept is over', async () => {
    const clock = new ManualClock();
    await using pawl = openInMemory({ clock });
    const workflow = defineWorkflow({ name: 'kept', run: () => 1 });
    pawl.worker({ workflows: [workflow], keepMs: day });
    const run = await pawl.start(workflow, undefined);
    await run.result();
    await clock.advance(day - 1);
    expect((await run.info()).status).toBe('completed');
    await clock.advance(1);
    await expect(run.info()).rejects.toMatchObject({ code: 'PAWL_RUN_NOT_FOUND' });
  });

  test('without a clock it runs on real time', async () => {
    await using pawl = openInMemory();
    const workflow = defineWorkflow({ name: 'real', run: (ctx) => ctx.sleep(10) });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await run.result();
    await expect(
      Promise.resolve().then(() => openInMemory({ limits: { eventBytes: 0 } })),
    ).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  });
});
