/**
 * Keeps the last part of Redis' memory for runs that are at work.
 *
 * A Redis at its limit refuses every write: not only new runs, also the commits of those that would end soon and free
 * memory. So new runs are refused a little earlier, with an error that says so, and what has begun can go on. What is known
 * of the memory is up to a second old; past the limit itself Redis refuses by its own, and nothing is lost by that either.
 */
import { Cluster } from 'ioredis';
import { PawlError, UnavailableError } from '../core/errors.ts';
import type { Connection } from './connection.ts';

/** Above this part of maxmemory no new run is taken. */
const memoryShareMax = 0.9;
/** How old an answer may be; shorter when it was bad news, so that nobody is refused for long after there is room. */
const trustedMs = { good: 1_000, bad: 100 };

export class MemoryGuard {
  readonly #connection: Connection;
  #lookedAt = -Infinity;
  #share: Promise<number> = Promise.resolve(0);
  #trustedMs = trustedMs.good;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Refuses when memory is short, unless the run exists: to start that again is only a question.
   * @throws PawlError `PAWL_REDIS_FULL`, UnavailableError; nothing was written.
   */
  async refuseNewRun(key: string): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAt > this.#trustedMs) {
      this.#lookedAt = now;
      this.#share = this.#look();
    }
    const share = await this.#share;
    this.#trustedMs = share > memoryShareMax ? trustedMs.bad : trustedMs.good;
    if (share <= memoryShareMax || (await this.#connection.exists(key)) === 1) return;
    throw new PawlError(
      'PAWL_REDIS_FULL',
      `Redis uses ${Math.round(share * 100)} % of its maxmemory. New runs are refused above ${memoryShareMax * 100} %, so that those at work can go on; nothing was written. Raise maxmemory, or delete runs that have ended.`,
      { retryable: true },
    );
  }

  /** The share of the fullest server; 0 where there is no limit, or where keys are evicted instead. */
  async #look(): Promise<number> {
    const connection = this.#connection;
    const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
    try {
      const infos = await Promise.all(nodes.map((node) => node.info('memory')));
      return Math.max(0, ...infos.map(shareOf));
    } catch (error) {
      // Not every user may ask; the write itself tells what is wrong.
      if (error instanceof Error && error.name === 'ReplyError') return 0;
      // Not to be taken for an answer, and the write would only wait as long again.
      this.#lookedAt = -Infinity;
      throw new UnavailableError('create', 'not-applied', error);
    }
  }
}

/** As Redis counts when it decides to refuse: without the buffers of replicas and of the append-only file. */
function shareOf(info: string): number {
  const field = (name: string): string =>
    new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
  const limit = Number(field('maxmemory'));
  if (!(limit > 0) || field('maxmemory_policy') !== 'noeviction') return 0;
  return (Number(field('used_memory')) - Number(field('mem_not_counted_for_evict'))) / limit;
}
