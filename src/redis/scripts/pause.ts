/** Keeps a run from being claimed. */
import type { PauseOutcome } from '../../core/store.ts';
import { toBuffer } from '../arguments.ts';
import { toKeyed } from '../keyed.ts';
import type { ShardKeys } from '../keys.ts';
import { statusOf, unknownReply } from '../replies.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Asked {
  readonly run: string;
  /** Who asks and why. */
  readonly data: Uint8Array;
}

export const pause: StoreScript<ShardKeys, Asked, PauseOutcome> = {
  script: toScript('pause', lua.pause),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [shard.run(run), shard.events(run), shard.due],
  args: (shard, { run, data }) => [run, toBuffer(data), shard.base],
  decode: (shard, [outcome, status, ...rest], { run }) => {
    switch (String(outcome)) {
      case 'paused':
        return { outcome: 'paused', status: statusOf(shard, run, status), ...toKeyed(run, rest) };
      case 'ended':
        return { outcome: 'ended', status: statusOf(shard, run, status) };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
