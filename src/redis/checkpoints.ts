/** Reads the checkpoints of a run: the list from its stream, one of them by the recall script. */
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import { isCheckpointId } from '../core/checkpoint.ts';
import type { Snapshot } from '../core/store.ts';
import type { Connection } from './connection.ts';
import {
  checkCount,
  type Entry,
  Fields,
  type Flat,
  toCheckpoint,
  toSnapshotFields,
} from './fields.ts';
import type { ShardKeys } from './keys.ts';
import type { Scripts } from './scripts.ts';

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

export async function recallCheckpoint(
  scripts: Scripts,
  shard: ShardKeys,
  { run, id }: { readonly run: string; readonly id: string },
): Promise<Snapshot | undefined> {
  if (!isCheckpointId(id)) return undefined;
  const [outcome, about, flat] = await scripts.recall(run, id);
  if (String(outcome) === 'missing') return undefined;
  const { version, seq, schema, at } = toCheckpoint(shard.checkpoints(run), [
    Buffer.from(id),
    about as Flat,
  ]);
  const fields = toSnapshotFields(shard.snapshot(run), flat as Flat);
  const entry = new Fields(shard.checkpoints(run), about as Flat);
  checkCount(shard.kept(run), fields.size, entry.optional('count'));
  return { version, seq, schema, at, fields };
}
