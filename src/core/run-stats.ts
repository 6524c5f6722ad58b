/** How many runs there are, and what is late: what a probe or a monitor asks a store at any time. */
import { type RunStatus, runStatuses } from './run.ts';

/** How many runs have each status. A status that no run has is 0. */
export type RunCounts = Readonly<Record<RunStatus, number>>;

/**
 * Counts come from the indexes, so it costs the same with ten runs as with ten million. Ages are milliseconds on the
 * store's clock.
 */
export interface RunStats {
  /** How many runs have each status. A status that no run has is 0. */
  readonly runs: RunCounts;
  /** Runs the sweeper should have looked at by now. With a sweeper at work this is a few, and not for long. */
  readonly overdue: number;
  /** How long the first of them has been due; 0 when there is none. It grows when no sweeper works. */
  readonly overdueMs: number;
  /**
   * How long the oldest `queued` or `interrupted` run has waited for a worker; 0 when none does. Paused runs do not wait.
   * It grows when there are too few workers, or none that knows a workflow. Of each shard and status the runs
   * created first are looked at, `statsSample` of them.
   */
  readonly waitingMs: number;
}

export const statsSample = 100;

/** The numbers of all parts of a store. */
export function addUp(parts: readonly RunStats[]): RunStats {
  const sum = (of: (part: RunStats) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  const most = (of: (part: RunStats) => number): number => Math.max(0, ...parts.map(of));
  return {
    runs: addUpCounts(parts.map(({ runs }) => runs)),
    overdue: sum(({ overdue }) => overdue),
    overdueMs: most(({ overdueMs }) => overdueMs),
    waitingMs: most(({ waitingMs }) => waitingMs),
  };
}

/** The counts of all parts of a store. */
export function addUpCounts(parts: readonly RunCounts[]): RunCounts {
  return byStatus((status) => parts.reduce((total, part) => total + part[status], 0));
}

export function byStatus(count: (status: RunStatus, place: number) => number): RunCounts {
  const entries = runStatuses.map((status, place) => [status, count(status, place)]);
  return Object.fromEntries(entries) as Record<RunStatus, number>;
}
