/** Reads the list of a run's checkpoints from its stream. */
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import type { Connection } from './connection.ts';
import { type Entry, toCheckpoint } from './fields.ts';
import type { ShardKeys } from './keys.ts';

/** Entries read at a time when only some of them fit. */
const pageSize = 200;

export async function listCheckpoints(
  connection: Connection,
  shard: ShardKeys,
  query: CheckpointQuery,
): Promise<readonly CheckpointRecord[]> {
  const key = shard.checkpoints(query.run);
  const found: CheckpointRecord[] = [];
  let before = query.before;
  while (found.length < query.limit) {
    const from = before === undefined ? '+' : `(${before}`;
    const entries = (await connection.xrevrangeBuffer(
      key,
      from,
      '-',
      'COUNT',
      pageSize,
    )) as Entry[];
    for (const entry of entries) {
      const checkpoint = toCheckpoint(key, entry);
      before = checkpoint.id;
      const fits =
        (query.node === undefined || checkpoint.node === query.node) &&
        (query.label === undefined || checkpoint.label === query.label);
      if (fits && found.length < query.limit) found.push(checkpoint);
    }
    if (entries.length < pageSize) break;
  }
  return found;
}
