/** Lets a paused run go on, or a failed one try again. */
import type { ResumeOutcome } from '../../core/store.ts';
import { toBuffer } from '../arguments.ts';
import { blobLines, checkSwept } from '../blob-lines.ts';
import { toDueRun } from '../due-runs.ts';
import type { ShardKeys } from '../keys.ts';
import { statusOf, unknownReply } from '../replies.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Asked {
  readonly run: string;
  /** Who asks and why. */
  readonly data: Uint8Array;
  readonly blobs: readonly string[] | undefined;
}

export const resume: StoreScript<ShardKeys, Asked, ResumeOutcome> = {
  script: toScript('resume', lua.resume),
  acknowledged: 'once',
  keys: (shard, { run }) => [
    shard.run(run),
    shard.payload(run),
    shard.events(run),
    shard.due,
    shard.inbox(run),
    shard.seen(run),
  ],
  args: (shard, { run, data, blobs }) => [run, toBuffer(data), shard.base, blobLines(blobs)],
  decode: (shard, [outcome, ...rest], { run }) => {
    checkSwept(run, outcome);
    switch (String(outcome)) {
      case 'resumed':
        return { outcome: 'resumed', wakeUp: toDueRun(shard, run, rest) };
      case 'notResumable':
        return { outcome: 'notResumable', status: statusOf(shard, run, rest[0]) };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
