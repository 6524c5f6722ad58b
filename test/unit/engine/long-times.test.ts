// Goal: times above 24.8 days, where timers of the platform run out at once, are as long as they say. Method: time that the
// test moves, and everything outside of a run's execution that takes one.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { timerMsMax, toMilliseconds } from '../../../src/core/duration.ts';
import { startLongTimer } from '../../../src/engine/long-timer.ts';
import { health } from '../../../src/engine/worker/health.ts';
import { newAbortController, signalAfter } from '../../../src/engine/signals.ts';
import { systemClock } from '../../../src/engine/system-clock.ts';
import { MemoryResumeQueue } from '../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../src/memory/run-store.ts';
import { withMethods } from '../../support/with-methods.ts';
import { defineWorkflow, Pawl } from 'pawl';

const dayMs = 86_400_000;
const warnings: string[] = [];
const note = ({ name }: Error): void => void warnings.push(name);

beforeEach(() => {
  vi.useFakeTimers();
  warnings.length = 0;
  process.on('warning', note);
});

afterEach(() => {
  process.off('warning', note);
  vi.useRealTimers();
});

/** Whether it has happened by now. */
function seen(work: Promise<unknown>): () => boolean {
  let happened = false;
  const happen = (): void => {
    happened = true;
  };
  work.then(happen, happen);
  return () => happened;
}

test.each([1, timerMsMax, timerMsMax + 1, 60 * dayMs, 1000 * dayMs])(
  'a timer of %i ms lasts as long as that',
  async (ms) => {
    const then = vi.fn<() => void>();
    startLongTimer(then, ms);
    await vi.advanceTimersByTimeAsync(ms - 1);
    expect(then).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(then).toHaveBeenCalledTimes(1);
    const stopped = vi.fn<() => void>();
    const stop = startLongTimer(stopped, ms);
    await vi.advanceTimersByTimeAsync(ms / 2);
    stop();
    await vi.advanceTimersByTimeAsync(ms);
    expect(stopped).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  },
);

test('the clock of the process sleeps for months, and wakes at once when it is told to', async () => {
  const slept = seen(systemClock.sleep(60 * dayMs));
  const controller = newAbortController();
  const woken = seen(systemClock.sleep(60 * dayMs, controller.signal));
  const never = seen(systemClock.sleep(Infinity, controller.signal));
  const soon = vi.fn<() => void>();
  systemClock.soon(60 * dayMs, soon);
  await vi.advanceTimersByTimeAsync(59 * dayMs);
  expect([slept(), woken(), never(), soon.mock.calls.length]).toEqual([false, false, false, 0]);
  controller.abort();
  await vi.advanceTimersByTimeAsync(0);
  expect([slept(), woken(), never()]).toEqual([false, true, true]);
  await vi.advanceTimersByTimeAsync(dayMs);
  expect([slept(), soon.mock.calls.length]).toEqual([true, 1]);
});

test('a signal fires after months, or never when nobody wants it any more', async () => {
  const { signal } = signalAfter(30 * dayMs);
  const unwanted = signalAfter(30 * dayMs);
  unwanted.over();
  await vi.advanceTimersByTimeAsync(30 * dayMs - 1);
  expect(signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect([signal.aborted, unwanted.signal.aborted]).toEqual([true, false]);
});

test('a result is waited for as long as is said, and a time that is none is told', async () => {
  const pawl = Pawl.assemble({ store: new MemoryRunStore(), queue: new MemoryResumeQueue() });
  const run = await pawl.start(defineWorkflow({ name: 'slow', run: () => 1 }), undefined);
  const waits = [30, 60].map((days) => seen(run.result({ timeoutMs: days * dayMs })));
  const short = seen(run.result({ timeoutMs: 1000 }));
  await vi.advanceTimersByTimeAsync(3000);
  expect([short(), ...waits.map((wait) => wait())]).toEqual([true, false, false]);
  for (const timeoutMs of [-1, NaN, '5s' as unknown as number]) {
    await expect(run.result({ timeoutMs })).rejects.toMatchObject({
      code: 'PAWL_INVALID',
      field: expect.stringContaining('timeoutMs'),
    });
  }
  await run.cancel();
  await vi.advanceTimersByTimeAsync(1000);
  expect(waits.map((wait) => wait())).toEqual([true, true]);
  await pawl.close();
});

test('health answers as late as it is told to, and not before', async () => {
  const plain = new MemoryRunStore();
  const observation = withMethods(plain.observation, { now: () => new Promise(() => undefined) });
  const store = withMethods(plain, { observation });
  const asked = seen(health({ store, own: [], paused: async () => [] }, { timeoutMs: 30 * dayMs }));
  await vi.advanceTimersByTimeAsync(29 * dayMs);
  expect(asked()).toBe(false);
  await vi.advanceTimersByTimeAsync(dayMs);
  expect(asked()).toBe(true);
});

test('what no timer can wait for is refused where it is said', async () => {
  for (const callMs of [2 ** 31, Infinity]) {
    await expect(Pawl.open({ redis: 'redis://127.0.0.1:1', callMs })).rejects.toMatchObject({
      code: 'PAWL_INVALID',
    });
  }
  expect(toMilliseconds('365000d', 'keep')).toBe(365_000 * dayMs);
  for (const long of ['365001d', 1e300, Infinity] as const) {
    expect(() => toMilliseconds(long, 'keep')).toThrow(/keep must not be longer/);
  }
});

test('nothing of this warns of a time that does not fit', async () => {
  vi.useRealTimers();
  const stop = startLongTimer(() => undefined, 60 * dayMs, { ref: false });
  const slept = seen(systemClock.sleep(60 * dayMs, AbortSignal.timeout(50)));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(slept()).toBe(false);
  stop();
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect([slept(), warnings.length]).toEqual([true, 0]);
});
