/**
 * What runs give out while they are at work: chunks, such as tokens, rows and lines of a log. They are not part of the log
 * or of the state. A run has one stream of them, beside its log, and each chunk says to which output it belongs.
 *
 *   number   1 2 3 │ 4 5 6 7 8 9 …        one number for each chunk of the run, without gaps; never given out again
 *   epoch    1 1 1 │ 4 4 6 4 6 6          the number of the chunk that an attempt at a step has begun with
 *            trimmed└─ kept: the newest chunk always
 *
 * Only the owner of a run writes, and each write carries fence and token, as a commit does. A write that comes again after
 * a lost answer is recognised. Crash before a write: its chunks never were, and nobody was told that they are stored. Crash
 * after: they are there. A step that runs again begins a new epoch: what its attempts before it have given out is dead, and
 * stands before the first chunk of the new one, because one owner writes one write after the other.
 */
import type { Ownership } from './ownership.ts';

/** A chunk before it has its number. */
export interface NewChunk {
  /** The name of the output. */
  readonly output: string;
  /** The step that gives it out, by the name it has in its run; empty for the handler itself. */
  readonly step: string;
  /** The number of the first chunk of this attempt, which is this chunk's own when it is the first. */
  readonly epoch: number;
  readonly data: Uint8Array;
}

export interface StoredChunk extends NewChunk {
  readonly number: number;
  /** The fence of the owner that wrote it. */
  readonly fence: number;
  /** Milliseconds since 1970, on the store's clock. */
  readonly at: number;
}

export interface WriteParams extends Ownership {
  /** Identifies this write; the same one again is recognised. */
  readonly token: string;
  /** The number of the newest chunk that this owner knows; 0 for none. The first of `chunks` is the one after it. */
  readonly last: number;
  readonly chunks: readonly NewChunk[];
  /** Bytes of data that are kept of a run's chunks; the oldest make room. */
  readonly keepBytes: number;
  /** For how long chunks are kept; older ones are dropped by the next write. Default: as long as the run. */
  readonly keepMs?: number;
}

export type WriteOutcome =
  | { readonly outcome: 'written'; readonly last: number }
  /** Somebody else owns the run, or nobody. Nothing was written. */
  | { readonly outcome: 'fenced'; readonly fence: number }
  /** Below what the owner thinks, when Redis lost chunks that it had acknowledged. Nothing was written. */
  | { readonly outcome: 'conflict'; readonly last: number }
  | { readonly outcome: 'missing' };

/** How many of the oldest chunks a write may drop: more than it adds, so that what is kept comes down to its bounds. */
export function droppedAtMost(added: number): number {
  return 2 * added + 16;
}

export interface Outputs {
  /** Adds chunks to a run, all or none. Each costs about what an event costs. */
  write(params: WriteParams): Promise<WriteOutcome>;
  /** Chunks that are kept after the number `after`, in order, at most `limit`; none when there is no such run. */
  read(params: {
    readonly run: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly StoredChunk[]>;
  /** Calls `written` soon after chunks were added, as a hint that may be lost. Returns the way to stop. */
  watch(run: string, written: () => void): Promise<() => Promise<void>>;
}
