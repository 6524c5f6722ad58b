/** The census as the memory store takes it. */
import { byStatus, type Census } from '../core/census.ts';
import type { StoredRun } from './stored-run.ts';

export function takeCensus(runs: readonly StoredRun[], now: number): Census {
  const late = runs.flatMap(({ dueAt }) =>
    dueAt !== undefined && dueAt <= now ? now - dueAt : [],
  );
  const waited = runs
    .filter(({ status }) => status === 'queued' || status === 'interrupted')
    .filter(({ paused, unmanaged }) => !paused && !unmanaged)
    .map(({ changedAt }) => now - changedAt);
  return {
    runs: byStatus((status) => runs.filter((run) => run.status === status).length),
    overdue: late.length,
    overdueMs: Math.max(0, ...late),
    waitingMs: Math.max(0, ...waited),
  };
}
