/** How much a run occupies. */
import type { RunBytes } from '../../core/archive.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const measure: StoreScript<ShardKeys, string, RunBytes | undefined> = {
  script: toScript('measure', lua.measure),
  keys: (shard, run) => [
    shard.run(run),
    shard.payload(run),
    shard.events(run),
    shard.snapshot(run),
    shard.checkpoints(run),
    shard.preserved(run),
    shard.inbox(run),
    shard.seen(run),
    shard.chunks(run),
    shard.blobs(run),
    shard.questions(run),
  ],
  args: () => [0],
  decode: (_, reply) => {
    if (reply.length === 0) return undefined;
    const bytes = (place: number): number => Number(reply[place]);
    return {
      record: bytes(0) + bytes(1) + bytes(9),
      log: bytes(2),
      snapshot: bytes(3),
      checkpoints: bytes(4) + bytes(5),
      inbox: bytes(6) + bytes(7) + bytes(10),
      chunks: bytes(8),
    };
  },
};
