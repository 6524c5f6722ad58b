/** What the scripts that commit answer. */
import { CorruptionError } from '../core/errors.ts';
import type { CommitOutcome } from '../core/store.ts';
import type { Reply } from './arguments.ts';
import { checkSwept } from './blob-lines.ts';
import type { ShardKeys } from './keys.ts';
import { unknownReply } from './replies.ts';

export function toCommitOutcome(
  shard: ShardKeys,
  run: string,
  [outcome, first, second]: Reply,
): CommitOutcome {
  checkSwept(run, outcome);
  switch (String(outcome)) {
    case 'committed':
      return { outcome: 'committed', seq: Number(first), version: Number(second) };
    case 'fenced':
      return { outcome: 'fenced', fence: Number(first), applied: second === 1 };
    case 'conflict':
      return { outcome: 'conflict', seq: Number(first) };
    case 'unread':
      return String(first) === 'asked' ? { outcome: 'unread', asked: true } : { outcome: 'unread' };
    case 'missing':
      return { outcome: 'missing' };
    case 'damaged':
      throw new CorruptionError(
        { key: shard.snapshot(run) },
        'is packed, and its lengths do not fit',
      );
    default:
      throw unknownReply(shard, run, outcome);
  }
}
