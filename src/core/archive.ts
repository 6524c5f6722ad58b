/**
 * What is done with runs beside living them: how much they hold, what of it is dropped, and their removal.
 *
 * Every method is atomic for one run, needs no ownership, and may be called while a worker holds the run: nothing that a
 * resume needs is ever dropped. A crash between two calls leaves less to drop, never a run that cannot go on.
 *
 *   log          1 ─ ─ ─ ─ ─ ─ ┬─ firstSeq ── … ── snapshot.seq ── … ── seq
 *                 dropped       └─ kept: at least the newest event, and all after the snapshot
 *   checkpoints  what a dropped one shared with one that stays, stays
 */
import type { RunStatus } from './run.ts';

/** What a run occupies in the store, in bytes; on Redis as Redis counts, its own overhead included. */
export interface RunBytes {
  /** The record, with input, output, error, tags, and the addresses of its blobs. */
  readonly record: number;
  /** The events that are still in the log. */
  readonly log: number;
  /** The saved state, with the results and waits that a resume needs. */
  readonly snapshot: number;
  /** The list of checkpoints, and what only they hold. */
  readonly checkpoints: number;
  /** Messages that wait, the ids of those that ever came, and open questions. */
  readonly inbox: number;
  /** The chunks of its output that are kept. */
  readonly chunks: number;
}

export interface CompactParams {
  readonly run: string;
  /** Drops no event after this seq. Default: all that the snapshot covers. */
  readonly upTo?: number;
  /** Events dropped at most in one call: it bounds how long the store is busy. Call again while there is `more`. */
  readonly limit: number;
}

export type CompactOutcome =
  | {
      readonly outcome: 'compacted';
      /** Where the log begins now; see `RunRecord.firstSeq`. */
      readonly firstSeq: number;
      readonly dropped: number;
      readonly more: boolean;
    }
  | { readonly outcome: 'missing' };

export interface RemoveParams {
  readonly run: string;
  /** Only if the run is still as its record said: nothing claimed, appended, paused, told or retried since. */
  readonly unchanged: { readonly status: RunStatus; readonly fence: number; readonly seq: number };
  /** Who asks and why: keeps the deletion, as that of `RunStore.delete` does. */
  readonly data?: Uint8Array;
}

export type RemoveOutcome =
  | { readonly outcome: 'removed' }
  | { readonly outcome: 'missing' }
  /** The run is not as it was said to be; nothing was written. */
  | { readonly outcome: 'changed' }
  /** Its parent has not been told of its end; nothing was written. */
  | { readonly outcome: 'notifyPending' };

export interface Archive {
  /**
   * Drops the oldest events, as far as the snapshot covers them; the newest event always stays. A stale owner whose stored
   * commit was dropped is told that it was not applied.
   */
  compact(params: CompactParams): Promise<CompactOutcome>;
  /** Drops checkpoints by their ids, and whatever no other one needs. Returns how many there were of them. */
  forget(run: string, checkpoints: readonly string[]): Promise<number>;
  /** Undefined when there is no such run. */
  measure(run: string): Promise<RunBytes | undefined>;
  /** Removes a run and every trace of it, unless it has changed. */
  remove(params: RemoveParams): Promise<RemoveOutcome>;
  /** How many runs there are, of a workflow or of all. */
  count(workflow?: string): Promise<number>;
}
