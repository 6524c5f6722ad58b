/** Timers for times of any length. Those of the platform run out at once when they are to last longer than 24.8 days. */
import { timerMsMax } from '../core/duration.ts';

export interface LongTimerOptions {
  /** Whether it keeps the process. Default true. */
  readonly ref?: boolean;
}

/** Calls `then` after `ms`, however long that is; the function returned takes it back. */
export function startLongTimer(
  then: () => void,
  ms: number,
  { ref = true }: LongTimerOptions = {},
): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (leftMs: number): void => {
    const nowMs = Math.min(leftMs, timerMsMax);
    timer = setTimeout(() => (leftMs > nowMs ? wait(leftMs - nowMs) : then()), nowMs);
    if (!ref) timer.unref();
  };
  wait(ms);
  return () => clearTimeout(timer);
}
