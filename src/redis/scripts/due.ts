/** The runs that are due, each postponed. */
import type { DueParams } from '../../core/fleet.ts';
import { type DueRuns, toDueRuns } from '../due-runs.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const due: StoreScript<ShardKeys, DueParams, DueRuns> = {
  script: toScript('due', lua.due),
  keys: (shard) => [shard.due],
  args: (shard, { limit, resendMs, aheadMs = 0 }) => [limit, resendMs, shard.base, aheadMs],
  decode: toDueRuns,
};
