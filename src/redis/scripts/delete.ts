/** Removes a run and every trace of it. */
import { deletionsKept } from '../../core/deletions.ts';
import type { DeleteOutcome, Seen } from '../../core/store.ts';
import { toBuffer } from '../arguments.ts';
import { toKeyed } from '../keyed.ts';
import type { ShardKeys } from '../keys.ts';
import { unknownReply } from '../replies.ts';
import { runKeys } from '../run-keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Deletion {
  readonly run: string;
  /** Keeps the deletion. */
  readonly data: Uint8Array | undefined;
  /** What the run must still be. */
  readonly seen: Seen | undefined;
}

type Deleted = DeleteOutcome | { readonly outcome: 'notifyPending' };

export const deleteRun: StoreScript<ShardKeys, Deletion, Deleted> = {
  script: toScript('delete', lua.delete),
  acknowledged: 'once',
  keys: (shard, { run }) => [
    ...runKeys(shard, run),
    shard.inbox(run),
    shard.seen(run),
    shard.checkpoints(run),
    shard.preserved(run),
    shard.deleted,
    shard.chunks(run),
  ],
  args: (shard, { run, data, seen }) => {
    const { status = '', fence = '', seq = '' } = seen ?? {};
    const kept = data === undefined ? '' : toBuffer(data);
    return [run, shard.base, kept, deletionsKept, status, fence, seq];
  },
  decode: (shard, [outcome, ...rest], { run }) => {
    switch (String(outcome)) {
      case 'deleted':
        return { outcome: 'deleted', ...toKeyed(run, rest) };
      case 'active':
        return { outcome: 'active', worker: String(rest[0]) };
      case 'changed':
        return { outcome: 'changed' };
      case 'notifyPending':
        return { outcome: 'notifyPending' };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
