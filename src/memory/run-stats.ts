/** The stats as the memory store counts them. */
import { byStatus, type RunCounts, type RunStats } from '../core/run-stats.ts';
import type { StoredRun } from './stored-run.ts';

export function readStats(runs: readonly StoredRun[], now: number): RunStats {
  const late = runs.flatMap(({ dueAt }) =>
    dueAt !== undefined && dueAt <= now ? now - dueAt : [],
  );
  const waited = runs
    .filter(({ status }) => status === 'queued' || status === 'interrupted')
    .filter(({ paused, unmanaged }) => !paused && !unmanaged)
    .map(({ changedAt }) => now - changedAt);
  return {
    runs: countStatuses(runs),
    overdue: late.length,
    overdueMs: Math.max(0, ...late),
    waitingMs: Math.max(0, ...waited),
  };
}

export function countStatuses(runs: readonly StoredRun[]): RunCounts {
  return byStatus((status) => runs.filter((run) => run.status === status).length);
}
