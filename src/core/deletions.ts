/** What is kept of deleted runs: who deleted them, and why. A run that is gone has no log left to say so. */
import { InvalidError } from './errors.ts';

/** So many are kept, about, in each shard; the oldest make room. */
export const deletionsKept = 10_000;

export interface DeletionRecord {
  /** Its place among the others: a time, and a number among those of the same time. */
  readonly id: string;
  readonly run: string;
  readonly workflow: string;
  readonly at: number;
  /** Encoded: who asked for it, and why. */
  readonly data: Uint8Array;
}

export interface DeletionPage {
  /** The newest first. */
  readonly deletions: readonly DeletionRecord[];
  readonly cursor: string | undefined;
}

export interface DeletionQuery {
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string;
}

type DeletionPlace = Pick<DeletionRecord, 'id' | 'run'>;

/** For sorting. Two shards may have deletions with the same id; those are of different runs. */
function lastDeletedFirst(a: DeletionPlace, b: DeletionPlace): number {
  const [[aAt = 0, aNumber = 0], [bAt = 0, bNumber = 0]] = [a, b].map(({ id }) =>
    id.split('-').map(Number),
  ) as [number[], number[]];
  if (aAt !== bAt) return bAt - aAt;
  if (aNumber !== bNumber) return bNumber - aNumber;
  return a.run === b.run ? 0 : a.run < b.run ? 1 : -1;
}

/** Cuts a page out of deletions in any order, among which are the next `limit` after the cursor. */
export function toDeletionPage(
  found: readonly DeletionRecord[],
  { limit, cursor }: DeletionQuery,
): DeletionPage {
  const after = cursor === undefined ? undefined : parseDeletionCursor(cursor);
  const deletions = found
    .filter((one) => after === undefined || lastDeletedFirst(after, one) < 0)
    .sort(lastDeletedFirst)
    .slice(0, limit);
  const last = deletions.length === limit ? deletions.at(-1) : undefined;
  return { deletions, cursor: last && `${last.id}:${last.run}` };
}

/** @throws InvalidError. */
export function parseDeletionCursor(cursor: string): DeletionPlace {
  const [, id, run] = /^(\d{1,15}-\d{1,15}):(.+)$/.exec(cursor) ?? [];
  if (id !== undefined && run !== undefined) return { id, run };
  throw new InvalidError('cursor', 'is not one that a page before has returned.');
}
