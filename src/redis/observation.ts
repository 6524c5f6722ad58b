/** What anybody may see of a store on Redis. */
import { addUp, addUpCounts, type RunCounts, type RunStats } from '../core/run-stats.ts';
import type { Changed, Observation } from '../core/observation.ts';
import type { RunStatus } from '../core/run.ts';
import type { StoreHealth } from '../core/store-health.ts';
import type { Announcements } from './announcements.ts';
import { toStatus } from './fields.ts';
import { toChange } from './change.ts';
import type { ShardKeys } from './keys.ts';
import type { RedisParts } from './parts.ts';
import { statsOver } from './scripts/stats-over.ts';
import { stats } from './scripts/stats.ts';
import { readHealth } from './store-health.ts';

export interface RedisObservationParts extends RedisParts {
  readonly announcements: Announcements;
}

export class RedisObservation implements Observation {
  readonly #parts: RedisObservationParts;

  constructor(parts: RedisObservationParts) {
    this.#parts = parts;
  }

  async now(): Promise<number> {
    const { connection, guard } = this.#parts;
    const [seconds, micros] = await guard(() => connection.time());
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  async stats(): Promise<RunStats> {
    const { scripts, keys, guard } = this.#parts;
    const take = (shard: ShardKeys): Promise<RunStats> => scripts.call(stats, shard, undefined);
    return addUp(await guard(() => Promise.all(keys.shards.map(take))));
  }

  async statsOver(bounds: readonly number[]): Promise<readonly RunCounts[]> {
    const { scripts, keys, guard } = this.#parts;
    const take = (shard: ShardKeys): Promise<readonly RunCounts[]> =>
      scripts.call(statsOver, shard, bounds);
    const shards = await guard(() => Promise.all(keys.shards.map(take)));
    return bounds.slice(1).map((_, part) => {
      return addUpCounts(shards.flatMap((counts) => counts[part] ?? []));
    });
  }

  async health(): Promise<StoreHealth> {
    const { connection, keys, guard } = this.#parts;
    return guard(() => readHealth(connection, keys));
  }

  async status(run: string): Promise<RunStatus | undefined> {
    const { connection, keys, guard } = this.#parts;
    const key = keys.of(run).run(run);
    const status = await guard(() => connection.hget(key, 'status'));
    return status === null ? undefined : toStatus(key, status);
  }

  async watch(run: string, changed: Changed): Promise<() => Promise<void>> {
    const { announcements, keys, guard } = this.#parts;
    const channel = keys.of(run).changed(run);
    return guard(() =>
      announcements.listen(channel, (said) => {
        const { only, end } = toChange(said);
        changed(only, end);
      }),
    );
  }
}
