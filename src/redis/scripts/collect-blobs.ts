/** Makes garbage of what was noted long ago, and tells what is garbage for long enough to go. */
import type { BlobNote, CollectParams } from '../../core/blobs.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const collectBlobs: StoreScript<ShardKeys, CollectParams, readonly BlobNote[]> = {
  script: toScript('collect-blobs', lua.collectBlobs),
  acknowledged: 'repeatable',
  keys: (shard) => [shard.blobsPending, shard.blobsGarbage],
  args: (_, { pendingMs, garbageMs, limit }) => [pendingMs, garbageMs, limit],
  decode: (_, members) =>
    members.map((member) => {
      const [address = '', run = ''] = String(member).split(' ');
      return { run, address };
    }),
};
