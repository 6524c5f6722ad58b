/** How many runs of a shard there are, and what is late. */
import { byStatus, type RunStats, statsSample } from '../../core/run-stats.ts';
import { runStatuses } from '../../core/run.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const stats: StoreScript<ShardKeys, undefined, RunStats> = {
  script: toScript('stats', lua.stats),
  keys: (shard) => [shard.due],
  args: (shard) => [shard.base, statsSample, ...runStatuses],
  decode: (_, reply) => {
    const [overdue = 0, overdueMs = 0, waitingMs = 0, ...runs] = reply.map(Number);
    return { runs: byStatus((_status, place) => runs[place] ?? 0), overdue, overdueMs, waitingMs };
  },
};
