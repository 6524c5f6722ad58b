/** The clock of the process. */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../core/clock.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),

  sleep(ms, signal) {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener('abort', finish, { once: true });
    });
  },

  afterTurn(then) {
    setImmediate(then);
  },

  soon(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },

  repeat(task) {
    const stopped = new AbortController();
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
