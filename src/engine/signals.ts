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

/**
 * A moment that few wait for. Making and firing a signal costs more than a commit, so there is none until it is asked for.
 */
export class LazySignal {
  #controller: AbortController | undefined;
  #reason: (() => unknown) | undefined;
  #followers: LazySignal[] = [];

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  /** Undefined before the moment. */
  get reason(): unknown {
    return this.#reason?.();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = newAbortController();
      if (this.aborted) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  /** The first reason counts. One that costs something, such as an error, may be made when somebody asks for it. */
  abort(reason: string | Error | (() => Error)): void {
    if (this.#reason !== undefined) return;
    let made = typeof reason === 'function' ? undefined : reason;
    this.#reason = () => (made ??= typeof reason === 'function' ? reason() : reason);
    this.#controller?.abort(this.reason);
    for (const follower of this.#followers.splice(0)) follower.abort(() => this.reason as Error);
  }

  /** Comes when this one comes, for the same reason, unless it has come before. */
  leads(follower: LazySignal): void {
    if (this.aborted) follower.abort(() => this.reason as Error);
    else this.#followers.push(follower);
  }
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
