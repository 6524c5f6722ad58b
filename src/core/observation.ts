/** What anybody may see of a store without reading a run; nothing is written. */
import type { EndRecord, RunStatus } from './run.ts';
import type { RunCounts, RunStats } from './run-stats.ts';
import type { StoreHealth } from './store-health.ts';

/** Called with a change of a run: see `Observation.watch`. */
export type Changed = (only?: 'log' | 'open', end?: EndRecord) => void;

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
  /** The status of a run, for less than its record costs; undefined when there is none. */
  status(run: string): Promise<RunStatus | undefined>;
  /**
   * Calls `changed` soon after the run has changed, as a hint that may be lost; with `log` when certainly nothing but its
   * log and snapshot have, with `open` when it certainly has not come to its end. A store may tell a small `end` itself, as the
   * record has it then. Returns the way to stop.
   */
  watch(run: string, changed: Changed): Promise<() => Promise<void>>;
}
