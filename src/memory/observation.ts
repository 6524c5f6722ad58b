/** What anybody may see of a store in memory. */
import type { RunCounts, RunStats } from '../core/run-stats.ts';
import type { Observation } from '../core/observation.ts';
import type { RunStatus } from '../core/run.ts';
import type { StoreHealth } from '../core/store-health.ts';
import { countStatuses, readStats } from './run-stats.ts';
import type { StoredRun } from './stored-run.ts';
import { Watchers } from './watchers.ts';

export class MemoryObservation implements Observation {
  readonly #runs: ReadonlyMap<string, StoredRun>;
  readonly #now: () => number;
  readonly #watchers = new Watchers();

  /** `open` tells the time, and throws when the store is closed. */
  constructor(runs: ReadonlyMap<string, StoredRun>, open: () => number) {
    this.#runs = runs;
    this.#now = open;
  }

  /** Tells those who watch the run. */
  changed(run: string): void {
    this.#watchers.tell(run);
  }

  async now(): Promise<number> {
    return this.#now();
  }

  async stats(): Promise<RunStats> {
    return readStats([...this.#runs.values()], this.#now());
  }

  async statsOver(bounds: readonly number[]): Promise<readonly RunCounts[]> {
    this.#now();
    const runs = [...this.#runs.values()];
    return bounds.slice(1).map((end, part) => {
      const begin = bounds[part] ?? end;
      return countStatuses(runs.filter(({ createdAt }) => createdAt >= begin && createdAt < end));
    });
  }

  /** It has no server, and its lists are made of the runs themselves, so they always agree. */
  async health(): Promise<StoreHealth> {
    const now = this.#now();
    const { runs, overdue, overdueMs } = readStats([...this.#runs.values()], now);
    return {
      now,
      overdue,
      overdueSince: overdue === 0 ? undefined : now - overdueMs,
      queued: runs.queued + runs.interrupted,
      mismatches: [],
    };
  }

  async status(run: string): Promise<RunStatus | undefined> {
    this.#now();
    return this.#runs.get(run)?.status;
  }

  async watch(run: string, changed: () => void): Promise<() => Promise<void>> {
    this.#now();
    return this.#watchers.add(run, changed);
  }
}
