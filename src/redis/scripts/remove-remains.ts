/** How many keys there are of a run that has no record. */
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Buried {
  readonly run: string;
  /** Removes them. */
  readonly repair: boolean;
}

export const removeRemains: StoreScript<ShardKeys, Buried, number> = {
  script: toScript('removeRemains', lua.removeRemains),
  keys: (shard, { run }) => [
    shard.run(run),
    shard.payload(run),
    shard.events(run),
    shard.snapshot(run),
    shard.inbox(run),
    shard.seen(run),
    shard.checkpoints(run),
    shard.preserved(run),
  ],
  args: (shard, { run, repair }) => [repair ? 1 : '', run, shard.base],
  decode: (_, [left]) => Number(left),
};
