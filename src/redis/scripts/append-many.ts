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
  keys: (shard) => [shard.base],
  args: (_, group) => [group.length, pack(group)],
  decode: (_, replies) => replies,
};

/** Bytes an append takes at most: a character is up to three, and lengths take some. */
function bytesMax({ run, owner, token, events }: CommitParams): number {
  let bytes = 3 * (run.length + owner.length + token.length) + 128;
  for (const { type, data, branch } of events) {
    bytes += 3 * (type.length + (branch?.length ?? 0)) + data.length + 12;
  }
  return bytes;
}

function pack(group: readonly CommitParams[]): Buffer {
  let bytes = 0;
  for (const params of group) bytes += bytesMax(params);
  const packer = new Packer(bytes);
  for (const params of group) {
    const { run, fence, owner, token, expectedSeq, events } = params;
    const size = packer.skip(4);
    packer.text(run);
    packer.text(String(fence));
    packer.text(owner);
    packer.text(token);
    packer.text(String(expectedSeq));
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
