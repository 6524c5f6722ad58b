/** Adds chunks to the output of a run. */
import { droppedAtMost, type WriteOutcome, type WriteParams } from '../../core/outputs.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { unknownReply } from '../replies.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const write: StoreScript<ShardKeys, WriteParams, WriteOutcome> = {
  script: toScript('write', lua.write),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [shard.run(run), shard.chunks(run)],
  args: (shard, { run, fence, owner, token, last, chunks, keepBytes, keepMs }) => {
    const args: Argument[] = [fence, owner, token, last, shard.wrote(run), keepBytes, keepMs ?? ''];
    args.push(droppedAtMost(chunks.length));
    for (const { output, step, epoch, data } of chunks) {
      args.push(output, step, epoch, toBuffer(data));
    }
    return args;
  },
  decode: (shard, [outcome, number], { run }) => {
    switch (String(outcome)) {
      case 'written':
        return { outcome: 'written', last: Number(number) };
      case 'fenced':
        return { outcome: 'fenced', fence: Number(number) };
      case 'conflict':
        return { outcome: 'conflict', last: Number(number) };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
