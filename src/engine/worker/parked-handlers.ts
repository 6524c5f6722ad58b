/**
 * Handlers whose runs were parked and that may go on, because they are at work with something that pawl does not know.
 *
 * A handler that nothing can wake any more is garbage: its promise is collected. That is how pawl learns that a parked run
 * needs no care. Until then the store keeps the run beside this worker, and wakes it when the worker dies or leaves, so
 * that another worker calls the handler again.
 *
 *   parked ──▶ noted with the worker ──promise collected──▶ settled: the note goes, with the next turn
 *                      │
 *                      └─ worker dies or leaves ─▶ the run is woken
 *
 * Runs that were woken or ended meanwhile are no longer noted; settling them again does no harm.
 */
import type { Clock } from '../../core/clock.ts';
import type { Fleet, ParkedRun } from '../../core/fleet.ts';
import type { Logger } from '../../core/logger.ts';

const runsPerCall = 200;

export interface ParkedHandlersOptions {
  readonly fleet: Pick<Fleet, 'settled'>;
  readonly worker: string;
  /** How often what was collected is told. */
  readonly beatMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ParkedHandlers {
  readonly #options: ParkedHandlersOptions;
  readonly #collected = new Set<ParkedRun>();
  readonly #registry = new FinalizationRegistry<ParkedRun>((parked) => this.#collected.add(parked));
  #stop: (() => Promise<void>) | undefined;

  constructor(options: ParkedHandlersOptions) {
    this.#options = options;
  }

  begin(): void {
    const { clock, beatMs } = this.#options;
    this.#stop = clock.repeat(async () => {
      await this.#tell();
      return beatMs;
    });
  }

  async end(): Promise<void> {
    await this.#stop?.();
  }

  /** `handler`: what is in memory for as long as the handler may go on. */
  add(parked: ParkedRun, handler: object): void {
    this.#registry.register(handler, parked);
  }

  async #tell(): Promise<void> {
    const { fleet, worker, logger } = this.#options;
    while (this.#collected.size > 0) {
      const runs = [...this.#collected].slice(0, runsPerCall);
      try {
        await fleet.settled(worker, runs);
      } catch (error) {
        logger.debug({ worker, error: String(error) }, 'parked runs not settled, trying again');
        return;
      }
      for (const run of runs) this.#collected.delete(run);
    }
  }
}
