/**
 * Keeps the last part of Redis' memory for runs that are at work.
 *
 * A Redis at its limit refuses every write: not only new runs, also the commits of those that would end soon and free
 * memory. So new runs are refused a little earlier, with an error that says so, and what has begun can go on. What is known
 * of the memory is up to a second old; past the limit itself Redis refuses by its own, and nothing is lost by that either.
 */
import { detach } from '../core/detached.ts';
import { Cluster } from 'ioredis';
import { PawlError } from '../core/errors.ts';
import type { Connection } from './connection.ts';

/** Above this part of maxmemory no new run is taken. */
const memoryShareMax = 0.9;
/** How often is looked while there is room. */
const sampleEveryMs = 1_000;

export class MemoryGuard {
  readonly #connection: Connection;
  #sampledAt = -Infinity;
  #share = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Refuses when memory is short, unless the run exists: to start that again is only a question. While there is room,
   * nobody waits for a look; bad news is checked before anybody is refused.
   * @throws PawlError `PAWL_REDIS_FULL`; nothing was written.
   */
  async refuseNewRun(key: string): Promise<void> {
    if (this.#share > memoryShareMax) await this.sample();
    else if (performance.now() - this.#sampledAt > sampleEveryMs)
      detach(this.sample(), () => undefined);
    const share = this.#share;
    if (share <= memoryShareMax || (await this.#connection.exists(key)) === 1) return;
    throw new PawlError(
      'PAWL_REDIS_FULL',
      `Redis uses ${Math.round(share * 100)} % of its maxmemory. New runs are refused above ${memoryShareMax * 100} %, so that those at work can go on; nothing was written. Raise maxmemory, or delete runs that have ended.`,
      { retryable: true },
    );
  }

  /** Asks for the share of the fullest server. Never rejects: where nobody may ask, or answers, the write itself tells. */
  async sample(): Promise<void> {
    const connection = this.#connection;
    this.#sampledAt = performance.now();
    const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
    try {
      const infos = await Promise.all(nodes.map((node) => node.info('memory')));
      this.#share = Math.max(0, ...infos.map(shareOf));
    } catch {
      this.#share = 0;
    }
  }
}

/**
 * As Redis counts when it decides to refuse: without the buffers of replicas and of the append-only file. 0 where there is
 * no limit, or where keys are evicted instead.
 */
function shareOf(info: string): number {
  const field = (name: string): string =>
    new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
  const limit = Number(field('maxmemory'));
  if (!(limit > 0) || field('maxmemory_policy') !== 'noeviction') return 0;
  return (Number(field('used_memory')) - Number(field('mem_not_counted_for_evict'))) / limit;
}
