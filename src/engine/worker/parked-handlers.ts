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
import type { ParkedRun } from '../../core/fleet.ts';
import type { ServicesWith } from './services.ts';

const runsPerCall = 200;

type Services = ServicesWith<'store' | 'worker' | 'clock' | 'logger', 'beatMs'>;

export class ParkedHandlers {
  readonly #services: Services;
  readonly #collected = new Set<ParkedRun>();
  readonly #registry = new FinalizationRegistry<ParkedRun>((parked) => this.#collected.add(parked));
  #stop: (() => Promise<void>) | undefined;

  constructor(services: Services) {
    this.#services = services;
  }

  begin(): void {
    const { clock, settings } = this.#services;
    this.#stop = clock.repeat(async () => {
      await this.#tell();
      return settings.beatMs;
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
    const { store, worker, logger } = this.#services;
    while (this.#collected.size > 0) {
      const runs = [...this.#collected].slice(0, runsPerCall);
      try {
        await store.fleet.settled(worker, runs);
      } catch (error) {
        logger.debug({ worker, error: String(error) }, 'parked runs not settled, trying again');
        return;
      }
      for (const run of runs) this.#collected.delete(run);
    }
  }
}
