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
import type { RedisParts } from './parts.ts';
import { compact } from './scripts/compact.ts';
import { deleteRun } from './scripts/delete.ts';
import { dropCheckpoints } from './scripts/drop-checkpoints.ts';
import { measure } from './scripts/measure.ts';

/** Checkpoints dropped by one call of the script. */
const checkpointsPerCall = 500;

export class RedisArchive implements Archive {
  readonly #parts: RedisParts;

  constructor(parts: RedisParts) {
    this.#parts = parts;
  }

  async compact(params: CompactParams): Promise<CompactOutcome> {
    const { scripts, guard, keys } = this.#parts;
    return guard(() => scripts.call(compact, keys.of(params.run), params));
  }

  async forget(run: string, checkpoints: readonly string[]): Promise<number> {
    const { scripts, guard, keys } = this.#parts;
    const ids = checkpoints.filter(isCheckpointId);
    let count = 0;
    for (let from = 0; from < ids.length; from += checkpointsPerCall) {
      const some = ids.slice(from, from + checkpointsPerCall);
      count += await guard(() =>
        scripts.call(dropCheckpoints, keys.of(run), { run, checkpoints: some }),
      );
    }
    return count;
  }

  async measure(run: string): Promise<RunBytes | undefined> {
    const { scripts, guard, keys } = this.#parts;
    return guard(() => scripts.call(measure, keys.of(run), run));
  }

  async remove({ run, unchanged: seen, data }: RemoveParams): Promise<RemoveOutcome> {
    const { scripts, guard, keys } = this.#parts;
    const { outcome } = await guard(() =>
      scripts.call(deleteRun, keys.of(run), { run, data, seen }),
    );
    switch (outcome) {
      case 'deleted':
        return { outcome: 'removed' };
      case 'active':
        return { outcome: 'changed' };
      case 'missing':
      case 'changed':
      case 'notifyPending':
        return { outcome };
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
