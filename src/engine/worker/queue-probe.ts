/**
 * Whether wake-ups reach this worker. After a failover, or behind a network that forgets connections, a consumer may stay
 * connected to nothing: it looks idle, and its runs wait. The sweeper sends their wake-ups again, to the same dead end.
 *
 *   reached ──nothing heard for a while, room for more──▶ a canary is sent ──taken──▶ reached
 *                                                              │
 *                                                              └─not taken in time──▶ not reached: a new consumer
 *
 * A canary is taken by whichever consumer of the workflow is free, so one that is taken shows that runs do not wait, not
 * that it was us. Nothing of this decides what may be written: a wrong suspicion costs a reconnect.
 */
import type { Consumer } from '../../core/queue.ts';
import type { ServicesWith } from './services.ts';

/** Whether wake-ups reach a worker, and if not, why. */
export type Readiness =
  | {
      /** True when the worker's last probe came through its queue. */
      readonly ready: true;
    }
  | { readonly ready: false; readonly reason: string };

type Services = ServicesWith<'worker' | 'clock' | 'logger', 'canaryMs'>;

/** The worker, as its probe sees it. */
export interface ProbedWorker {
  /** Whether the worker could take another run of the workflow. */
  readonly hasRoom: (workflow: string) => boolean;
  readonly consumer: () => Consumer | undefined;
  readonly reopen: () => Promise<void>;
}

export class QueueProbe {
  readonly #services: Services;
  readonly #workflows: readonly string[];
  readonly #probed: ProbedWorker;
  #heardAt: number;
  #unreachedBy: string | undefined;
  #stop: (() => Promise<void>) | undefined;
  #ended = false;

  /** `workflows`: those whose canaries nothing but a lost connection can hold back, so none that has a rate. */
  constructor(services: Services, workflows: readonly string[], probed: ProbedWorker) {
    this.#services = services;
    this.#workflows = workflows;
    this.#probed = probed;
    this.#heardAt = services.clock.monotonic();
  }

  get readiness(): Readiness {
    if (this.#unreachedBy === undefined) return { ready: true };
    return { ready: false, reason: `wake-ups for ${this.#unreachedBy} do not reach it` };
  }

  begin(): void {
    const { clock, worker, logger, settings } = this.#services;
    let isFirst = true;
    this.#stop = clock.repeat(async () => {
      try {
        if (!isFirst) await this.#listen();
        isFirst = false;
      } catch (error) {
        // Redis is away, or the queue closed: that is no sign.
        logger.debug({ worker, error: String(error) }, 'no canary sent');
      }
      return settings.canaryMs;
    });
  }

  /** A wake-up has come. */
  heard(): void {
    this.#heardAt = this.#services.clock.monotonic();
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#stop?.();
  }

  async #listen(): Promise<void> {
    const { clock, worker, logger, settings } = this.#services;
    const { canaryMs } = settings;
    const { hasRoom, consumer, reopen } = this.#probed;
    const isQuiet = clock.monotonic() - this.#heardAt >= canaryMs;
    if (this.#unreachedBy === undefined && !isQuiet) return;
    for (const workflow of this.#workflows.filter(hasRoom)) {
      const isReached = await consumer()?.reaches?.(workflow, canaryMs);
      if (this.#ended) return;
      if (isReached === false && hasRoom(workflow)) {
        this.#unreachedBy = workflow;
        logger.warn({ worker, workflow }, 'wake-ups do not reach this worker, connecting anew');
        await reopen();
        return;
      }
    }
    if (this.#unreachedBy !== undefined)
      logger.info({ worker }, 'wake-ups reach this worker again');
    this.#unreachedBy = undefined;
  }
}
