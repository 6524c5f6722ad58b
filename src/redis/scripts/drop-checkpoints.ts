/** Drops checkpoints. */
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Forgotten {
  readonly run: string;
  readonly checkpoints: readonly string[];
}

export const dropCheckpoints: StoreScript<ShardKeys, Forgotten, number> = {
  script: toScript('dropCheckpoints', lua.dropCheckpoints),
  keys: (shard, { run }) => [shard.run(run), shard.checkpoints(run), shard.preserved(run)],
  args: (_, { checkpoints }) => checkpoints,
  // It answers with a number alone.
  decode: (_, count: unknown) => Number(count),
};
