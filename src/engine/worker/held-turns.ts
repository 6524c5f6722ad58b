/**
 * What a worker says of turns: the limits of its workflows, when it begins, and the turns of the runs that it holds, now
 * and then. A turnstile that has forgotten a turn counts it again. In a Cluster turnstiles and runs are on different
 * servers, and one of them may come back with less than it acknowledged.
 */
import type { LimitsOfCode, Turn } from '../../core/turns.ts';
import type { ServicesWith } from './services.ts';

type Services = ServicesWith<'store' | 'worker' | 'clock' | 'logger', 'beatMs'>;

export class HeldTurns {
  readonly #services: Services;
  readonly #limits: Readonly<Record<string, LimitsOfCode>>;
  readonly #held: () => readonly Turn[];
  #isLimitSaid = false;
  #stop: (() => Promise<void>) | undefined;

  constructor(
    services: Services,
    limits: Readonly<Record<string, LimitsOfCode>>,
    held: () => readonly Turn[],
  ) {
    this.#services = services;
    this.#limits = limits;
    this.#held = held;
  }

  begin(): void {
    const { clock, logger, worker, settings } = this.#services;
    this.#stop = clock.repeat(async () => {
      try {
        await this.#tell();
      } catch (error) {
        logger.warn({ worker, error: String(error) }, 'turns not told of, trying again');
      }
      return settings.beatMs;
    });
  }

  async end(): Promise<void> {
    await this.#stop?.();
  }

  async #tell(): Promise<void> {
    const { turns } = this.#services.store;
    if (!this.#isLimitSaid) await turns.limit(this.#limits);
    this.#isLimitSaid = true;
    const held = this.#held();
    if (held.length > 0) await turns.hold(held);
  }
}
