/** What the workers lost, and who is to leave, in memory. */
import { type Fleet, type Recovery, recoveriesKept } from '../core/fleet.ts';
import type { MemorySessions } from './sessions.ts';
import { progressOf, type StoredRun } from './stored-run.ts';

export class MemoryFleet implements Fleet {
  readonly #sessions: MemorySessions;
  readonly #hint: (worker: string) => void;
  readonly #held: (worker: string) => readonly StoredRun[];
  #recoveries: Recovery[] = [];

  /** `held`: the runs that a worker holds. */
  constructor(
    sessions: MemorySessions,
    parts: {
      readonly hint: (worker: string) => void;
      readonly held: (worker: string) => readonly StoredRun[];
    },
  ) {
    this.#sessions = sessions;
    this.#hint = parts.hint;
    this.#held = parts.held;
  }

  /** A run was taken from its worker just now. */
  lost({ id, workflow, status, lost }: StoredRun): void {
    if (lost === undefined) return;
    const quarantined = status === 'quarantined';
    this.#recoveries.unshift({ run: id, workflow, ...lost, quarantined });
    this.#recoveries.length = Math.min(this.#recoveries.length, recoveriesKept);
  }

  /** A run that had been lost was claimed just now. */
  claimed({ id, worker, lost }: StoredRun): void {
    if (lost?.claimMs === undefined || worker === undefined) return;
    const { at, claimMs } = lost;
    this.#recoveries = this.#recoveries.map((one) =>
      one.run === id && one.at === at ? { ...one, worker, claimMs } : one,
    );
  }

  async recoveries(limit: number): Promise<readonly Recovery[]> {
    await Promise.resolve();
    return this.#recoveries.slice(0, limit);
  }

  async registered(): Promise<readonly string[]> {
    await Promise.resolve();
    return this.#sessions.list().map(({ id }) => id);
  }

  async alive(): Promise<number> {
    await Promise.resolve();
    return this.#sessions.alive;
  }

  async unproven(worker: string): Promise<readonly string[]> {
    await Promise.resolve();
    const unproven = this.#held(worker).filter((run) => !progressOf(run).isProven);
    return unproven.slice(0, 2).map(({ id }) => id);
  }

  async drain(worker: string): Promise<boolean> {
    await Promise.resolve();
    if (!this.#sessions.drain(worker)) return false;
    this.#hint(worker);
    return true;
  }
}
