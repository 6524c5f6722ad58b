/** The clock of the process. */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../core/clock.ts';
import { startLongTimer } from './long-timer.ts';
import { newAbortController } from './signals.ts';

/** What is to be done after this turn of the event loop. */
const after: (() => void)[] = [];

/**
 * All of it in one turn: what follows for many runs is then sent together. What is added meanwhile has its own turn. One
 * that throws ends the process, as it would by itself.
 */
function runAfter(): void {
  for (const then of after.splice(0)) then();
}

/** Of a short time that is to be one in which the event loop turns. */
const pieces = 5;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),

  sleep(ms, signal) {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        stop();
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const stop = startLongTimer(finish, ms);
      signal?.addEventListener('abort', finish, { once: true });
    });
  },

  afterTurn(then) {
    if (after.push(then) === 1) setImmediate(runAfter);
  },

  // In pieces: a time in which the process was frozen, or busy, counts as one of them, for nothing can happen in it.
  soon(ms, then) {
    let left = pieces;
    const timer = setInterval(() => {
      left -= 1;
      if (left > 0) return;
      clearInterval(timer);
      then();
    }, ms / pieces);
    return () => clearInterval(timer);
  },

  repeat(task) {
    const stopped = newAbortController();
    const loop = (async () => {
      while (!stopped.signal.aborted) {
        await systemClock.sleep(await task(), stopped.signal);
      }
    })();
    return () => {
      stopped.abort('over');
      return loop;
    };
  },
};
