/** Makes garbage of blobs that a run does not refer to. */
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Named {
  readonly run: string;
  readonly addresses: readonly string[];
}

export const dropBlobs: StoreScript<ShardKeys, Named, void> = {
  script: toScript('drop-blobs', lua.dropBlobs),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [shard.blobs(run), shard.blobsPending, shard.blobsGarbage],
  args: (_, { run, addresses }) => [run, ...addresses],
  decode: () => undefined,
};
