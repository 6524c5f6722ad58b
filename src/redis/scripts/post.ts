/** Puts a message into the inbox of a run. */
import type { PostOutcome, PostParams } from '../../core/store.ts';
import { toBuffer } from '../arguments.ts';
import { toDueRun } from '../due-runs.ts';
import type { ShardKeys } from '../keys.ts';
import { statusOf, unknownReply } from '../replies.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const post: StoreScript<ShardKeys, PostParams, PostOutcome> = {
  script: toScript('post', lua.post),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [shard.run(run), shard.inbox(run), shard.seen(run), shard.due],
  args: (shard, { run, id, kind, name, data, key, wait, actor }) => [
    run,
    id,
    kind,
    name,
    toBuffer(data),
    shard.base,
    key ?? '',
    wait ?? '',
    actor ?? '',
  ],
  decode: (shard, [outcome, ...rest], { run }) => {
    const woken = rest[1] === 1;
    switch (String(outcome)) {
      case 'posted':
        return { outcome: 'posted', woken, wakeUp: toDueRun(shard, run, rest.slice(2)) };
      case 'known': {
        const taken = rest[0] === 1;
        return { outcome: 'known', taken, woken, wakeUp: toDueRun(shard, run, rest.slice(2)) };
      }
      case 'answered':
        return { outcome: 'answered', by: String(rest[0]) };
      case 'unwanted':
        return { outcome: 'unwanted' };
      case 'busy':
        return { outcome: 'busy' };
      case 'ended':
        return { outcome: 'ended', status: statusOf(shard, run, rest[0]) };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
