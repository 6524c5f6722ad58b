/** What answers of several scripts have in common. An answer this version does not know is corruption, not a guess. */
import { CorruptionError } from '../core/errors.ts';
import type { RunStatus } from '../core/run.ts';
import { toStatus } from './fields.ts';
import type { ShardKeys } from './keys.ts';

export function statusOf(shard: ShardKeys, run: string, status: unknown): RunStatus {
  return toStatus(shard.run(run), String(status));
}

export function unknownReply(shard: ShardKeys, run: string, outcome: unknown): CorruptionError {
  return new CorruptionError(
    { key: shard.run(run) },
    `made a script answer ${String(outcome)}, which this version does not know`,
  );
}
