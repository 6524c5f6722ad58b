/** Repairs the indexes of a run by its record; false when there is none. */
import { defaults } from '../../core/limits.ts';
import { runStatuses } from '../../core/run.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const reindex: StoreScript<ShardKeys, string, boolean> = {
  script: toScript('reindex', lua.reindex),
  keys: (shard, run) => [shard.run(run), shard.payload(run), shard.due],
  args: (shard, run) => [run, shard.base, defaults.keepMs, ...runStatuses],
  decode: (_, [outcome]) => String(outcome) === 'reindexed',
};
