/** How many runs of a shard were created when, by their statuses. */
import { byStatus, type RunCounts } from '../../core/run-stats.ts';
import { runStatuses } from '../../core/run.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

/** `bounds`: the begin of the first stretch of time, and the end of each. */
export const statsOver: StoreScript<ShardKeys, readonly number[], readonly RunCounts[]> = {
  script: toScript('stats-over', lua.statsOver),
  keys: (shard) => [shard.runs],
  args: (shard, bounds) => [shard.base, runStatuses.join(','), ...bounds],
  decode: (_, reply, bounds) => {
    const numbers = reply.map(Number);
    return bounds.slice(1).map((_end, part) => {
      const from = part * runStatuses.length;
      return byStatus((_status, place) => numbers[from + place] ?? 0);
    });
  },
};
