/** Notes how far a run is. */
import type { RunProgress } from '../../core/run.ts';
import type { Ownership } from '../../core/store.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

type Noted = Ownership & RunProgress;

export const progress: StoreScript<ShardKeys, Noted, void> = {
  script: toScript('progress', lua.progress),
  keys: (shard, { run }) => [shard.run(run)],
  args: (shard, { run, fence, owner, fraction, message }) => [
    fence,
    owner,
    fraction,
    message,
    shard.changed(run),
  ],
  decode: () => undefined,
};
