/** Reads what the delete script has kept of deleted runs, over all shards. */
import {
  type DeletionPage,
  type DeletionQuery,
  type DeletionRecord,
  parseDeletionCursor,
  toDeletionPage,
} from '../core/deletions.ts';
import { checkPageLimit } from '../core/names.ts';
import type { Connection } from './connection.ts';
import { type Entry, toDeletion } from './fields.ts';
import type { Keys } from './keys.ts';

export async function listDeletions(
  connection: Connection,
  keys: Keys,
  query: DeletionQuery,
): Promise<DeletionPage> {
  checkPageLimit(query.limit);
  // The place itself comes again: another shard may have a deletion with the same id.
  const from = query.cursor === undefined ? '+' : parseDeletionCursor(query.cursor).id;
  const found = await Promise.all(
    keys.shards.map(async ({ deleted }): Promise<DeletionRecord[]> => {
      const count = query.limit + 1;
      const entries = await connection.xrevrangeBuffer(deleted, from, '-', 'COUNT', count);
      return (entries as Entry[]).map((entry) => toDeletion(deleted, entry));
    }),
  );
  return toDeletionPage(found.flat(), query);
}
