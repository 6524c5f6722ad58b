/** A run with its snapshot and what came after it. */
import { fixedLimits } from '../../core/limits.ts';
import type { LoadedRun } from '../../core/store.ts';
import type { ShardKeys } from '../keys.ts';
import { toLoaded } from '../loaded-run.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const load: StoreScript<ShardKeys, string, LoadedRun | undefined> = {
  script: toScript('load', lua.load),
  keys: (shard, run) => [
    shard.run(run),
    shard.payload(run),
    shard.events(run),
    shard.snapshot(run),
  ],
  args: () => [fixedLimits.eventsPerLoad],
  decode: (shard, [outcome, ...rest], run) =>
    String(outcome) === 'missing' ? undefined : toLoaded(shard, run, rest),
};
