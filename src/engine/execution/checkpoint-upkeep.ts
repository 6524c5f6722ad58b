/**
 * Expiry of checkpoints: the upkeep of a run at work.
 *
 * A run at work drops what has expired now and then, and before its last commit, so that a long one does not pile them up.
 * A crash in between leaves a few too many, which the next owner drops: nothing depends on it.
 */
import { detach } from '../../core/detached.ts';
import type { CheckpointExpiry } from '../../core/retention.ts';
import { expireCheckpoints } from '../runs/checkpoint-expiry.ts';
import type { ExecutionServices } from './services.ts';

type Services = Pick<ExecutionServices, 'store' | 'logger'>;

/** The upkeep of a run at work. */
export class Expiry {
  readonly #run: string;
  readonly #services: Services;
  readonly #expiry: CheckpointExpiry | undefined;
  /** Kept since the last look. */
  #fresh = 0;
  /** How many there are at most: with so few that none can have expired, nobody looks. */
  #held = Infinity;
  #working: Promise<void> = Promise.resolve();

  /** Without `expiry`, nothing expires. */
  constructor(run: string, expiry: CheckpointExpiry | undefined, services: Services) {
    this.#run = run;
    this.#expiry = expiry;
    this.#services = services;
  }

  /** The run was claimed when its snapshot had this version. */
  begin(version: number): void {
    if (version === 0) this.#held = 0;
  }

  /** So many checkpoints were kept. Never waits: what has expired is dropped beside the work. */
  kept(count: number): void {
    this.#fresh += count;
    this.#held += count;
    // A quarter more than wanted: dropping each at once would double the calls.
    if (this.#fresh > (this.#expiry?.keepNewest ?? 0) / 4) detach(this.settle(), () => undefined);
  }

  /** Drops what is left to drop. Never rejects. */
  settle(): Promise<void> {
    const isFew = this.#held <= (this.#expiry?.keepNewest ?? 0);
    if (this.#expiry !== undefined && this.#fresh > 0 && !isFew) {
      this.#fresh = 0;
      this.#working = this.#working.then(() => this.#expire());
    }
    return this.#working;
  }

  async #expire(): Promise<void> {
    const { store, logger } = this.#services;
    const run = this.#run;
    try {
      await expireCheckpoints(store, run, this.#expiry ?? {});
    } catch (error) {
      logger.warn({ run, error: String(error) }, 'checkpoints not dropped, the next look does');
    }
  }
}
