/** Notes that blobs are about to be put for a run. */
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Named {
  readonly run: string;
  readonly addresses: readonly string[];
}

export const noteBlobs: StoreScript<ShardKeys, Named, void> = {
  script: toScript('note-blobs', lua.noteBlobs),
  acknowledged: 'repeatable',
  keys: (shard) => [shard.blobsPending],
  args: (_, { run, addresses }) => [run, ...addresses],
  decode: () => undefined,
};
