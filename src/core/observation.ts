/** What anybody may see of a store without reading a run: nothing here carries a payload, and nothing is written. */
import type { RunCounts, RunStats } from './run-stats.ts';
import type { StoreHealth } from './store-health.ts';

export interface Observation {
  /** The time of the store's clock, in milliseconds since 1970. */
  now(): Promise<number>;
  /** How many runs there are, and what is late. */
  stats(): Promise<RunStats>;
  /**
   * Runs by when they were created, with the statuses that they have now: one count for each stretch of time between two
   * bounds, which only grow. The begin of a stretch belongs to it, its end does not. Costs the same however many runs there
   * are.
   */
  statsOver(bounds: readonly number[]): Promise<readonly RunCounts[]>;
  /** What the store can tell of its health. */
  health(): Promise<StoreHealth>;
  /**
   * Calls `changed` soon after the run has changed, as a hint that may be lost; with `log` when certainly nothing but its
   * log and snapshot have, with `open` when it certainly has not come to its end. Returns the way to stop.
   */
  watch(run: string, changed: (only?: 'log' | 'open') => void): Promise<() => Promise<void>>;
}
