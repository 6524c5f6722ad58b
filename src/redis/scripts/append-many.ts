/** Appends of several runs of one shard; each answer is that of `append`, or an error of its own. */
import type { CommitParams } from '../../core/store.ts';
import type { Reply } from '../arguments.ts';
import type { ShardKeys } from '../keys.ts';
import { Packer } from '../packer.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const appendMany: StoreScript<ShardKeys, readonly CommitParams[], Reply> = {
  script: toScript('appendMany', lua.appendMany),
  keys: (shard, group) => {
    const keys: string[] = [];
    for (const { run } of group) keys.push(shard.run(run), shard.events(run));
    return keys;
  },
  args: (shard, group) => [pack(shard, group)],
  decode: (_, replies) => replies,
};

/** Bytes an append takes at most: a character is up to three, and lengths take some. */
function bytesMax(shard: ShardKeys, { run, owner, token, events }: CommitParams): number {
  let bytes = 3 * (shard.base.length + run.length + owner.length + token.length) + 128;
  for (const { type, data, branch } of events) {
    bytes += 3 * (type.length + (branch?.length ?? 0)) + data.length + 12;
  }
  return bytes;
}

function pack(shard: ShardKeys, group: readonly CommitParams[]): Buffer {
  const packer = new Packer(group.reduce((sum, params) => sum + bytesMax(shard, params), 0));
  for (const params of group) {
    const { run, fence, owner, token, expectedSeq, events } = params;
    const size = packer.skip(4);
    packer.text(String(fence));
    packer.text(owner);
    packer.text(token);
    packer.text(String(expectedSeq));
    packer.text(shard.changed(run));
    packer.short(events.length);
    const start = packer.place;
    for (const event of events) {
      packer.text(event.type);
      packer.bytes(event.data);
      packer.text(event.branch ?? '');
    }
    packer.patch(size, packer.place - start);
  }
  return packer.packed;
}
