/** In which indexes a run is missing, and in which it stands without reason. */
import { runStatuses } from '../../core/run.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const checkIndex: StoreScript<ShardKeys, string, readonly string[]> = {
  script: toScript('checkIndex', lua.checkIndex),
  keys: (shard, run) => [shard.run(run), shard.payload(run), shard.due],
  args: (shard, run) => [run, shard.base, ...runStatuses],
  decode: (_, problems) => problems.map(String),
};
