/** Lists of runs: filter, sort, and cut after the cursor. */
import { toSummary } from '../core/run.ts';
import { checkList, fits, formatCursor, type ListPlace, newestFirst } from '../core/run-query.ts';
import type { ListParams, RunPage } from '../core/lists.ts';
import { type StoredRun, toRecord, waitsOf } from './stored-run.ts';

export function listRuns(runs: readonly StoredRun[], params: ListParams): RunPage {
  const after = checkList(params);
  const { unmanaged, worker, limit } = params;
  const place = (run: StoredRun): ListPlace => ({
    at: unmanaged === true ? run.changedAt : run.createdAt,
    id: run.id,
  });
  const page = runs
    .filter((run) => unmanaged !== true || run.unmanaged)
    .filter((run) => worker === undefined || !run.unmanaged)
    .filter((run) => fits({ ...run, waits: waitsOf(run) }, params))
    .sort((a, b) => newestFirst(place(a), place(b)))
    .filter((run) => after === undefined || newestFirst(after, place(run)) < 0)
    .slice(0, limit);
  const last = page.length === limit ? page.at(-1) : undefined;
  return {
    runs: page.map((run) => toSummary(toRecord(run))),
    cursor: last && formatCursor(place(last)),
  };
}
