/**
 * Workers on Redis, the runs they hold, and what is to be looked after. Runs are asked for shard by shard, each shard by a
 * script that is atomic for itself. That a worker is to leave stands in its hash, so that a lost message costs it no more
 * than the time to its next beat.
 */
import { Cluster } from 'ioredis';
import type { DueRun } from '../core/due-run.ts';
import {
  type Beat,
  type DueParams,
  type Election,
  firstLook,
  type Fleet,
  type InterruptParams,
  type Look,
  type OnNudge,
  type ParkedRun,
  type Recovery,
  type SeenWorker,
  type WorkerInfo,
  type WorkerRecord,
} from '../core/fleet.ts';
import type { Logger } from '../core/logger.ts';
import type { DueRuns } from './due-runs.ts';
import type { ShardKeys } from './keys.ts';
import type { RedisParts } from './parts.ts';
import { listRecoveries } from './recoveries.ts';
import { drain } from './scripts/drain.ts';
import { due } from './scripts/due.ts';
import { interrupt } from './scripts/interrupt.ts';
import { settle } from './scripts/settle.ts';
import { unproven } from './scripts/unproven.ts';
import type { Sessions } from './sessions.ts';

export interface RedisFleetParts extends RedisParts {
  readonly sessions: Sessions;
  readonly logger: Logger;
}

export class RedisFleet implements Fleet {
  readonly #parts: RedisFleetParts;

  constructor(parts: RedisFleetParts) {
    this.#parts = parts;
  }

  async register(worker: string, onNudge: OnNudge = ignore): Promise<void> {
    const { guard, sessions } = this.#parts;
    await guard(() => sessions.register(worker, onNudge));
  }

  async beat(worker: WorkerInfo, sessionMs: number, atWork = ''): Promise<Beat> {
    const { guard, sessions } = this.#parts;
    return guard(() => sessions.beat(worker, sessionMs, atWork));
  }

  async settled(worker: string, runs: readonly ParkedRun[]): Promise<void> {
    const { guard, keys, scripts } = this.#parts;
    for (const shard of keys.shards) {
      const own = runs.filter(({ run }) => keys.of(run) === shard);
      if (own.length > 0) await guard(() => scripts.call(settle, shard, { worker, runs: own }));
    }
  }

  async deregister(worker: string, seen?: SeenWorker): Promise<boolean> {
    const { guard, sessions } = this.#parts;
    return guard(() => sessions.deregister(worker, seen));
  }

  async elect(worker: string, lockMs: number, look: Look = firstLook): Promise<Election> {
    const { guard, sessions } = this.#parts;
    return guard(() => sessions.elect(worker, lockMs, look));
  }

  async due(params: DueParams): Promise<readonly DueRun[]> {
    const { scripts } = this.#parts;
    return this.#eachShard(params.limit, (shard, limit) =>
      scripts.call(due, shard, { ...params, limit }),
    );
  }

  async interrupt(params: InterruptParams): Promise<readonly DueRun[]> {
    const { connection, guard, keys, scripts, sessions } = this.#parts;
    const { runs: wanted, seen, ...rest } = params;
    // In a Cluster, sessions are on another server than most runs.
    const alike = seen === undefined || connection instanceof Cluster ? rest : { ...rest, seen };
    let isRenewed = false;
    const taken = await this.#eachShard(params.limit, async (shard, limit) => {
      if (isRenewed) return none;
      const runs = wanted?.filter((run) => keys.of(run) === shard);
      // A script that is given none takes all.
      if (runs?.length === 0) return none;
      const asked = runs === undefined ? { ...alike, limit } : { ...alike, limit, runs };
      const reply = await scripts.call(interrupt, { shard, keys }, asked);
      isRenewed ||= runs === undefined && reply.isRenewed;
      return reply;
    });
    if (params.runs === undefined && !isRenewed && taken.length < params.limit) {
      await guard(() => sessions.unpark(params.worker));
    }
    return taken;
  }

  async unproven(worker: string): Promise<readonly string[]> {
    const { guard, keys, scripts } = this.#parts;
    const found: string[] = [];
    for (const shard of keys.shards) {
      const limit = unprovenMax - found.length;
      found.push(...(await guard(() => scripts.call(unproven, shard, { worker, limit }))));
      if (found.length >= unprovenMax) break;
    }
    return found;
  }

  async workers(): Promise<readonly WorkerRecord[]> {
    const { guard, sessions } = this.#parts;
    return guard(() => sessions.list());
  }

  async registered(): Promise<readonly string[]> {
    const { guard, sessions } = this.#parts;
    return guard(() => sessions.registered());
  }

  async alive(): Promise<number> {
    const { guard, sessions } = this.#parts;
    return guard(() => sessions.alive());
  }

  async atWork(worker: string): Promise<string> {
    const { guard, sessions } = this.#parts;
    return guard(() => sessions.atWork(worker));
  }

  async holders(): Promise<readonly string[]> {
    const { guard, sessions } = this.#parts;
    return guard(() => sessions.holders());
  }

  async held(worker: string): Promise<readonly string[]> {
    const { guard, sessions } = this.#parts;
    return guard(() => sessions.held(worker));
  }

  async recoveries(limit: number): Promise<readonly Recovery[]> {
    const { connection, guard, keys } = this.#parts;
    return guard(() => listRecoveries(connection, keys, limit));
  }

  async drain(worker: string): Promise<boolean> {
    const { connection, guard, keys, scripts } = this.#parts;
    if (!(await guard(() => scripts.call(drain, keys, worker)))) return false;
    const [first] = keys.shards;
    if (first !== undefined) await guard(() => connection.spublish(first.nudges(worker), ''));
    return true;
  }

  /** Asks each shard until `limit` runs are found. */
  async #eachShard(
    limit: number,
    ask: (shard: ShardKeys, limit: number) => Promise<DueRuns>,
  ): Promise<readonly DueRun[]> {
    const { guard, keys, logger } = this.#parts;
    const found: DueRun[] = [];
    for (const shard of keys.shards) {
      if (found.length >= limit) break;
      const { runs, damaged } = await guard(() => ask(shard, limit - found.length));
      found.push(...runs);
      for (const about of damaged) logger.error(about, 'a damaged run is not looked after');
    }
    return found;
  }
}

const none: DueRuns = { runs: [], damaged: [] };

/** Two are as good as many: neither is evidence against itself. */
const unprovenMax = 2;

function ignore(): void {
  // Nobody listens.
}
