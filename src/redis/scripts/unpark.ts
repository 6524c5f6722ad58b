/** Wakes runs that a worker has parked. Tells how many were looked at: fewer than `limit` when none is left. */
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Woken {
  readonly worker: string;
  readonly limit: number;
}

export const unpark: StoreScript<ShardKeys, Woken, number> = {
  script: toScript('unpark', lua.unpark),
  keys: (shard, { worker }) => [shard.parked(worker), shard.due],
  args: (shard, { worker, limit }) => [worker, limit, shard.base],
  // It answers with a number alone.
  decode: (_, count: unknown) => Number(count),
};
