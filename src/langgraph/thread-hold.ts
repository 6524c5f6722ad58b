/**
 * A claim of a run that has a thread for itself while it executes a graph on it.
 *
 * It travels in the configuration of the graph, so every put and every write of the graph, and of those inside of it, names
 * its holder. The store refuses what another one's claim has made stale. A refused call is not rejected, but never settles:
 * LangGraph lets nobody wait for most of its writes, and a rejected promise would end the process. Who drives the graph
 * learns it from `signal`.
 *
 *   nobody, or another run ──hold──▶ ours ──hold of a later claim, or of another run──▶ lost
 */
import { RunError } from '../core/errors.ts';
import type { Config } from './contract.ts';

/** In `configurable`. What begins with two underscores is not written into metadata, and reaches graphs inside. */
export const holdKey = '__pawl_hold';

export class ThreadHold {
  /** As the thread remembers it. */
  readonly text: string;
  readonly #thread: string;
  readonly #by: string;
  readonly #lost = new AbortController();

  constructor(thread: string, { by, fence }: { readonly by: string; readonly fence: number }) {
    this.#thread = thread;
    this.#by = by;
    this.text = `${by} ${fence}`;
  }

  /** Fires when another one holds the thread. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Says that another one holds the thread; what it returns never settles. */
  async lose(): Promise<never> {
    this.#lost.abort(lostError(this.#thread, this.#by));
    return new Promise<never>(() => undefined);
  }
}

/** The holder that a configuration names. */
export function holdIn(config: Config): ThreadHold | undefined {
  const found: unknown = config.configurable?.[holdKey];
  return found instanceof ThreadHold ? found : undefined;
}

export function lostError(thread: string, run: string): RunError {
  return new RunError(
    'PAWL_THREAD_TAKEN',
    run,
    `Run ${run} has lost thread ${thread}: another run took it, or the thread was deleted. What the graph did until then is ` +
      `stored. Start the runs of one thread with the same key, so that they come one after the other.`,
  );
}
