/** Where the parts of a run that comes lie until it is whole, in the order of the scripts. */
import type { ShardKeys } from './keys.ts';

export function stagedKeys(shard: ShardKeys, run: string, token: string): string[] {
  return ['events', 'snapshot', 'inbox', 'seen', 'checkpoints', 'preserved'].map((part) =>
    shard.staged(token, part, run),
  );
}
