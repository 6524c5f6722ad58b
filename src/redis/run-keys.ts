/** The keys of a run that claim and delete begin with, in their order. */
import type { ShardKeys } from './keys.ts';

export function runKeys(shard: ShardKeys, run: string): string[] {
  return [shard.run(run), shard.payload(run), shard.events(run), shard.snapshot(run), shard.due];
}
