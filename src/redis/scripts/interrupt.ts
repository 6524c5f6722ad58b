/** Takes runs from a lost worker. */
import type { InterruptParams } from '../../core/fleet.ts';
import { type DueRuns, toDueRuns } from '../due-runs.ts';
import type { Keys, ShardKeys } from '../keys.ts';
import { seenArguments } from '../seen-arguments.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

/** A shard, and the keys of the fleet. */
interface FleetShard {
  readonly shard: ShardKeys;
  readonly keys: Keys;
}

interface Interrupted extends DueRuns {
  readonly isRenewed: boolean;
}

export const interrupt: StoreScript<FleetShard, InterruptParams, Interrupted> = {
  script: toScript('interrupt', lua.interrupt),
  keys: ({ shard, keys }, { worker, seen }) => {
    const held = shard.held(worker);
    return [held, shard.due, seen === undefined ? held : keys.worker(worker)];
  },
  args: ({ shard, keys }, params) => [
    params.worker,
    params.reason,
    params.lastSeenAt,
    params.resendMs,
    params.quarantineAfter,
    params.limit,
    shard.base,
    params.evidence ?? '',
    ...seenArguments(keys, params.worker, params.seen),
    ...(params.runs ?? []),
  ],
  // One word in place of runs: the worker has shown a sign of life.
  decode: ({ shard }, reply) => ({ ...toDueRuns(shard, reply), isRenewed: reply.length === 1 }),
};
