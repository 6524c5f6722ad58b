/**
 * Runs that the store says this worker holds, and that it does not work on.
 *
 * A worker that lives is never taken for lost, so such a run would wait for its death. It comes about when Redis crashes
 * and comes back without the last commit of a run: the worker has been told that the run is over, or waits, or was handed
 * back, and has let go of it; in the store it is at work again. Or when an execution ends in a way it should not. So each
 * worker compares now and then, and gives back what it finds twice in a row, for anybody to claim.
 *
 * Taking back one that has begun again meanwhile does no harm: its owner is fenced, and the run is claimed again.
 */
import type { ServicesWith } from './services.ts';

type Services = ServicesWith<
  'store' | 'queue' | 'worker' | 'clock' | 'logger',
  'beatMs' | 'resendMs' | 'quarantineAfter'
>;

export class Forgotten {
  readonly #services: Services;
  readonly #atWork: () => Iterable<string>;
  /** Runs that were not worked on at the look before. */
  #before: ReadonlySet<string> = new Set();
  #stop: (() => Promise<void>) | undefined;

  /** `atWork`: the runs that are worked on now. */
  constructor(services: Services, atWork: () => Iterable<string>) {
    this.#services = services;
    this.#atWork = atWork;
  }

  begin(): void {
    const { clock, logger, worker, settings } = this.#services;
    this.#stop = clock.repeat(async () => {
      try {
        await this.#scan();
      } catch (error) {
        logger.warn({ worker, error: String(error) }, 'held runs not looked at, trying again');
      }
      return settings.beatMs;
    });
  }

  async end(): Promise<void> {
    await this.#stop?.();
  }

  async #scan(): Promise<void> {
    const { store, worker, logger, queue, settings } = this.#services;
    const { resendMs, quarantineAfter } = settings;
    const held = await store.fleet.held(worker);
    const busy = new Set(this.#atWork());
    const idle = held.filter((run) => !busy.has(run));
    // Twice in a row, because an execution may end, or begin, between the store's answer and now.
    const runs = idle.filter((run) => this.#before.has(run));
    this.#before = new Set(idle);
    if (runs.length === 0) return;
    const taken = await store.fleet.interrupt({
      worker,
      runs,
      resendMs,
      quarantineAfter,
      limit: runs.length,
      reason: 'forgotten',
      lastSeenAt: 0,
    });
    for (const run of taken) {
      logger.warn({ worker, run: run.run, fence: run.fence }, 'a forgotten run is given back');
      // It is due, so the sweeper sends the wake-up when this fails.
      if (run.status === 'interrupted') await queue.send(run, { urgent: true });
    }
  }
}
