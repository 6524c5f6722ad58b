/** Pages of what a store holds: runs, and the deletions that it keeps. */
import type { DeletionPage, DeletionQuery } from './deletions.ts';
import type { RunSummary } from './run.ts';
import type { RunQuery } from './run-query.ts';

export interface ListParams extends RunQuery {
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string;
}

export interface RunPage {
  /**
   * The run created last comes first, whatever the query; of unmanaged runs, the one that was claimed, saved (its
   * snapshot) or let go last. A page may hold fewer than `limit`, or none, although more follow: only so many runs are
   * looked at.
   */
  readonly runs: readonly RunSummary[];
  /** Absent when nothing follows. */
  readonly cursor: string | undefined;
}

export interface Lists {
  runs(params: ListParams): Promise<RunPage>;
  /** The deletions that were to be kept, the last one first; of very many, the oldest are forgotten. */
  deletions(query: DeletionQuery): Promise<DeletionPage>;
}
