/**
 * Runs that the store takes a worker to hold, and that the worker does not execute.
 *
 * A worker lets go of a run in the commit that releases it. When Redis comes back without that commit (a failover, a
 * crash under `appendfsync everysec`), the run is `running` again, held by a living worker that has no reason to write to
 * it ever again: nobody would notice. So each worker says now and then what it executes, and what else it is taken to hold
 * is interrupted, and goes on from what is left like any run that lost its worker. A claim or a release that is on its way
 * is of a run that is being executed, so it is left alone.
 */
import type { Clock } from '../core/clock.ts';
import { fixedLimits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { WakeUp } from '../core/queue.ts';
import type { RunStore } from '../core/store.ts';

export interface StraysOptions {
  readonly store: RunStore;
  readonly worker: string;
  readonly everyMs: number;
  readonly resendMs: number;
  readonly quarantineAfter: number;
  /** Ids of the runs that the worker executes, from before the claim until after the release. */
  readonly executed: () => readonly string[];
  /** Never rejects: the runs are due in any case. */
  readonly wake: (wakeUp: WakeUp) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Strays {
  readonly #options: StraysOptions;
  #stop: (() => Promise<void>) | undefined;

  constructor(options: StraysOptions) {
    this.#options = options;
  }

  begin(): void {
    const { clock, everyMs, logger } = this.#options;
    let isFirst = true;
    this.#stop = clock.repeat(async () => {
      try {
        if (!isFirst) await this.#turn();
        isFirst = false;
      } catch (error) {
        logger.warn({ error: String(error) }, 'search for stray runs failed, trying again');
      }
      return everyMs;
    });
  }

  async end(): Promise<void> {
    await this.#stop?.();
  }

  async #turn(): Promise<void> {
    const { store, worker, resendMs, quarantineAfter, executed, wake, logger } = this.#options;
    const strays = await store.interrupt({
      ...{ worker, resendMs, quarantineAfter, reason: 'forgotten', lastSeenAt: 0 },
      ...{ except: executed(), limit: fixedLimits.runsPerSweep },
    });
    for (const stray of strays) {
      logger.error({ run: stray.run }, 'redis forgot that this worker had let go of the run');
      if (stray.status === 'interrupted') await wake(stray);
    }
  }
}
