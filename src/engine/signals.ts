/**
 * The one place where signals are made.
 *
 * Node warns of a leak when a signal has more than ten listeners. A run's signal has one for each step that waits, however
 * many those are, and each takes its own back: so the warning would be wrong, and look like a fault of the application.
 */
import { setMaxListeners } from 'node:events';
import { startLongTimer } from './long-timer.ts';

export function newAbortController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Fires with the first of others. */
export function anySignal(signals: readonly AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any([...signals]);
  setMaxListeners(0, signal);
  return signal;
}

/** Fires after a time of any length, which does not keep the process; `over` when nobody wants to know any more. */
export function signalAfter(ms: number): {
  readonly signal: AbortSignal;
  readonly over: () => void;
} {
  const controller = newAbortController();
  const over = startLongTimer(() => controller.abort('time is over'), ms, { ref: false });
  return { signal: controller.signal, over };
}
