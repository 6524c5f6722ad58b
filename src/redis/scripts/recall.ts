/** A kept snapshot as it was. */
import type { Snapshot } from '../../core/snapshot.ts';
import { checkCount, Fields, type Flat, toCheckpoint, toSnapshotFields } from '../fields.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Recalled {
  readonly run: string;
  /** Of the checkpoint. */
  readonly id: string;
}

export const recall: StoreScript<ShardKeys, Recalled, Snapshot | undefined> = {
  script: toScript('recall', lua.recall),
  keys: (shard, { run }) => [shard.snapshot(run), shard.checkpoints(run), shard.preserved(run)],
  args: (_, { id }) => [id],
  decode: (shard, [outcome, about, flat], { run, id }) => {
    if (String(outcome) === 'missing') return undefined;
    const list = shard.checkpoints(run);
    const entry = [Buffer.from(id), about as Flat] as const;
    const { version, seq, schema, at } = toCheckpoint(list, [...entry]);
    const fields = toSnapshotFields(shard.snapshot(run), flat as Flat);
    checkCount(
      shard.preserved(run),
      fields.size,
      new Fields(list, about as Flat).optional('count'),
    );
    return { version, seq, schema, at, fields };
  },
};
