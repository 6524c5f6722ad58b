/** Runs of a worker that made no progress. */
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Asked {
  readonly worker: string;
  readonly limit: number;
}

export const unproven: StoreScript<ShardKeys, Asked, readonly string[]> = {
  script: toScript('unproven', lua.unproven),
  keys: (shard, { worker }) => [shard.held(worker)],
  args: (shard, { worker, limit }) => [worker, shard.base, limit],
  decode: (_, runs) => runs.map(String),
};
