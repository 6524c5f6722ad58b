/**
 * Whether wake-ups reach this worker. After a failover, or behind a network that forgets connections, a consumer may stay
 * connected to nothing: it looks idle, and its runs wait. The sweeper sends their wake-ups again, into the same deafness.
 *
 *   hearing ──nothing heard for a while, room for more──▶ a canary is sent ──taken──▶ hearing
 *                                                              │
 *                                                              └─not taken in time──▶ deaf: the consumer is opened anew
 *
 * A canary is taken by whichever consumer of the workflow is free, so one that is taken shows that runs do not wait, not
 * that it was us. Nothing of this decides what may be written: a wrong suspicion costs a reconnect.
 */
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Consumer } from '../../core/queue.ts';

/** Whether wake-ups reach a worker, and if not, why. */
export type Readiness =
  | {
      /** True when the worker's last probe came through its queue. */
      readonly ready: true;
    }
  | { readonly ready: false; readonly reason: string };

export interface HearingOptions {
  readonly worker: string;
  /** Those whose canaries nothing but deafness can hold back: none that has a rate. */
  readonly workflows: readonly string[];
  /** How long silence is no reason for a canary, and how long a canary may take. */
  readonly canaryMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the worker could take another run of the workflow. */
  readonly hasRoom: (workflow: string) => boolean;
  readonly consumer: () => Consumer | undefined;
  readonly reopen: () => Promise<void>;
}

export class Hearing {
  readonly #options: HearingOptions;
  #heardAt: number;
  #deafTo: string | undefined;
  #stop: (() => Promise<void>) | undefined;
  #ended = false;

  constructor(options: HearingOptions) {
    this.#options = options;
    this.#heardAt = options.clock.monotonic();
  }

  get readiness(): Readiness {
    if (this.#deafTo === undefined) return { ready: true };
    return { ready: false, reason: `wake-ups for ${this.#deafTo} do not reach it` };
  }

  begin(): void {
    const { clock, canaryMs, worker, logger } = this.#options;
    let isFirst = true;
    this.#stop = clock.repeat(async () => {
      try {
        if (!isFirst) await this.#listen();
        isFirst = false;
      } catch (error) {
        // Redis is away, or the queue closed: that is not deafness.
        logger.debug({ worker, error: String(error) }, 'no canary sent');
      }
      return canaryMs;
    });
  }

  /** A wake-up has come. */
  heard(): void {
    this.#heardAt = this.#options.clock.monotonic();
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#stop?.();
  }

  async #listen(): Promise<void> {
    const { workflows, canaryMs, clock, worker, logger, hasRoom, consumer, reopen } = this.#options;
    const isQuiet = clock.monotonic() - this.#heardAt >= canaryMs;
    if (this.#deafTo === undefined && !isQuiet) return;
    for (const workflow of workflows.filter(hasRoom)) {
      const hears = await consumer()?.hears?.(workflow, canaryMs);
      if (this.#ended) return;
      if (hears === false && hasRoom(workflow)) {
        this.#deafTo = workflow;
        logger.warn({ worker, workflow }, 'wake-ups do not reach this worker, connecting anew');
        await reopen();
        return;
      }
    }
    if (this.#deafTo !== undefined) logger.info({ worker }, 'wake-ups reach this worker again');
    this.#deafTo = undefined;
  }
}
