/** What is done with runs in Redis beside living them: each method one script, or one count for each shard. */
import type {
  Archive,
  CompactOutcome,
  CompactParams,
  RemoveOutcome,
  RemoveParams,
  RunBytes,
} from '../core/archive.ts';
import { isCheckpointId } from '../core/checkpoint.ts';
import { CorruptionError } from '../core/errors.ts';
import type { Reply } from './arguments.ts';
import type { RedisParts } from './parts.ts';

/** Checkpoints dropped by one call of the script. */
const checkpointsPerCall = 500;

export class RedisArchive implements Archive {
  readonly #parts: RedisParts;

  constructor(parts: RedisParts) {
    this.#parts = parts;
  }

  async compact(params: CompactParams): Promise<CompactOutcome> {
    const { scripts, guard } = this.#parts;
    const [outcome, firstSeq, dropped, more] = await guard(() => scripts.compact(params));
    if (String(outcome) === 'missing') return { outcome: 'missing' };
    return {
      outcome: 'compacted',
      firstSeq: Number(firstSeq),
      dropped: Number(dropped),
      more: more === 1,
    };
  }

  async forget(run: string, checkpoints: readonly string[]): Promise<number> {
    const { scripts, guard } = this.#parts;
    const ids = checkpoints.filter(isCheckpointId);
    let count = 0;
    for (let from = 0; from < ids.length; from += checkpointsPerCall) {
      const some = ids.slice(from, from + checkpointsPerCall);
      count += await guard(() => scripts.forget(run, some));
    }
    return count;
  }

  async measure(run: string): Promise<RunBytes | undefined> {
    const { scripts, guard } = this.#parts;
    const reply = await guard(() => scripts.measure(run));
    if (reply.length === 0) return undefined;
    const bytes = (place: number): number => Number(reply[place]);
    return {
      record: bytes(0) + bytes(1),
      log: bytes(2),
      snapshot: bytes(3),
      checkpoints: bytes(4) + bytes(5),
      inbox: bytes(6) + bytes(7),
    };
  }

  async remove({ run, unchanged, data }: RemoveParams): Promise<RemoveOutcome> {
    const { scripts, guard, keys } = this.#parts;
    const reply: Reply = await guard(() => scripts.delete(run, data, unchanged));
    switch (String(reply[0])) {
      case 'deleted':
        return { outcome: 'removed' };
      case 'missing':
        return { outcome: 'missing' };
      case 'active':
      case 'changed':
        return { outcome: 'changed' };
      case 'untold':
        return { outcome: 'untold' };
      default:
        throw new CorruptionError(
          { key: keys.of(run).run(run) },
          `made a script answer ${String(reply[0])}, which this version does not know`,
        );
    }
  }

  async count(workflow?: string): Promise<number> {
    const { connection, guard, keys } = this.#parts;
    const indexes = keys.shards.map((shard) =>
      workflow === undefined ? shard.runs : shard.byWorkflow(workflow),
    );
    const counts = await guard(() => Promise.all(indexes.map((key) => connection.zcard(key))));
    return counts.reduce((sum, count) => sum + count, 0);
  }
}
