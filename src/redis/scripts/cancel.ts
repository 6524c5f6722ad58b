/** Asks a run to end as cancelled. */
import type { CancelOutcome, CancelParams } from '../../core/store.ts';
import { toBuffer } from '../arguments.ts';
import { toDueRun } from '../due-runs.ts';
import type { ShardKeys } from '../keys.ts';
import { toKeyed } from '../keyed.ts';
import { statusOf, unknownReply } from '../replies.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const cancel: StoreScript<ShardKeys, CancelParams, CancelOutcome> = {
  script: toScript('cancel', lua.cancel),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [
    shard.run(run),
    shard.payload(run),
    shard.events(run),
    shard.inbox(run),
    shard.seen(run),
    shard.due,
  ],
  args: (shard, { run, id, data, error, keepMs }) => [
    run,
    id,
    toBuffer(data),
    toBuffer(error),
    keepMs,
    shard.base,
  ],
  decode: (shard, [outcome, ...rest], { run }) => {
    switch (String(outcome)) {
      case 'asked':
        return { outcome: 'asked', wakeUp: toDueRun(shard, run, rest) };
      case 'cancelled':
        return { outcome: 'cancelled', ...toKeyed(run, rest) };
      case 'ended':
        return { outcome: 'ended', status: statusOf(shard, run, rest[0]) };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
