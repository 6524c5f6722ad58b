/**
 * Deletes threads whose time is over: now and then, from every process that has a saver with a time to live.
 *
 * The store names threads whose time is over, and deletes each only if nothing has come since. Two processes that do it at a
 * time delete each thread once. A process that dies leaves threads that are over to the next one.
 */
import { detach } from '../core/detached.ts';
import type { ThreadStore } from '../core/langgraph.ts';
import type { Logger } from '../core/logger.ts';

const everyMsMax = 60_000;
const everyMsMin = 1_000;
const atOnce = 100;

export class Expiry {
  readonly #store: ThreadStore;
  readonly #timer: NodeJS.Timeout;

  constructor(parts: {
    readonly store: ThreadStore;
    readonly logger: Logger;
    readonly ttlMs: number | undefined;
  }) {
    const { store, logger, ttlMs = everyMsMax } = parts;
    this.#store = store;
    const everyMs = Math.min(everyMsMax, Math.max(everyMsMin, ttlMs));
    this.#timer = setInterval(() => {
      detach(this.#sweep(), (error) => {
        logger.warn({ error }, 'Threads whose time is over could not be deleted; they will be.');
      });
    }, everyMs);
    // Nobody stays alive for it.
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #sweep(): Promise<void> {
    for (;;) {
      const over = await this.#store.expired(atOnce);
      for (const { run, seq } of over) await this.#store.delete(run, { seq });
      if (over.length < atOnce) return;
    }
  }
}
