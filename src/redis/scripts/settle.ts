/** Handlers of parked runs are at work no more. */
import type { ParkedRun } from '../../core/fleet.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Settled {
  readonly worker: string;
  /** Of this shard. */
  readonly runs: readonly ParkedRun[];
}

export const settle: StoreScript<ShardKeys, Settled, void> = {
  script: toScript('settle', lua.settle),
  keys: (shard, { worker }) => [shard.parked(worker)],
  args: (shard, { worker, runs }) => [
    worker,
    shard.base,
    ...runs.flatMap(({ run, fence }) => [run, fence]),
  ],
  decode: () => undefined,
};
