/**
 * Whole runs out of and into Redis.
 *
 * Staged parts lie under keys of their own, `stage:<token>:…`, with the hash tag of the run's shard: so the last script can
 * give all of them their places by RENAME, in one step and in a time that does not depend on their size. Every one of
 * them has a time to live, renewed by each further part; what a crash leaves is dropped by Redis itself, and stands in
 * nobody's way until then, because the import that is begun anew has another token.
 */
import type {
  RestoreOutcome,
  RestoreParams,
  StageParams,
  Transfer,
  ExportedRun,
} from '../core/transfer.ts';
import type { MemoryGuard } from './memory-guard.ts';
import type { RedisParts } from './parts.ts';
import { restore } from './scripts/restore.ts';
import { stage } from './scripts/stage.ts';
import { exportRun } from './scripts/export-run.ts';
import { agreed } from './shards.ts';
import { stagedKeys } from './staged-keys.ts';

export interface RedisTransferParts extends RedisParts {
  readonly memory: MemoryGuard;
}

export class RedisTransfer implements Transfer {
  readonly #parts: RedisTransferParts;

  constructor(parts: RedisTransferParts) {
    this.#parts = parts;
  }

  async export(run: string): Promise<ExportedRun | undefined> {
    const { scripts, guard, keys } = this.#parts;
    return guard(() => scripts.call(exportRun, keys.of(run), run));
  }

  async stage(params: StageParams): Promise<void> {
    const { scripts, guard, keys, memory } = this.#parts;
    const shard = keys.of(params.run);
    await guard(async () => {
      await memory.refuseNewRun(shard.run(params.run));
      await scripts.call(stage, shard, params);
    });
  }

  async restore(params: RestoreParams): Promise<RestoreOutcome> {
    const { connection, scripts, guard, keys } = this.#parts;
    const shard = keys.of(params.record.id);
    const shards = keys.shards.length;
    const make = (sure: boolean): Promise<RestoreOutcome | 'unsure'> =>
      scripts.call(restore, shard, { ...params, shards, sure });
    return guard(() => agreed(connection, keys, make));
  }

  async discard({ run, token }: { readonly run: string; readonly token: string }): Promise<void> {
    const { connection, guard, keys } = this.#parts;
    await guard(() => connection.unlink(...stagedKeys(keys.of(run), run, token)));
  }
}
