/**
 * Pushes back before Redis has to: when its memory is nearly full, new runs are refused, so that there is room for the
 * runs that are at work to end, and to be deleted. Redis itself, at its limit, refuses their commits as well.
 *
 * It is a look at a moment that has passed, so it decides nothing but that: the limit of Redis stays the truth.
 */
import { Cluster } from 'ioredis';
import { PawlError } from '../core/errors.ts';
import type { Connection } from './connection.ts';

/** Share of `maxmemory` in use from which new runs are refused. */
const fullFrom = 0.9;
/** How long a look is good for. */
const lookMs = 1_000;

export class MemoryGuard {
  readonly #connection: Connection;
  #look: Promise<number> | undefined;
  #lookedAt = -Infinity;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws PawlError `PAWL_REDIS_FULL`, retryable: nothing was written. */
  async admit(what: string): Promise<void> {
    const now = performance.now();
    if (this.#look === undefined || now - this.#lookedAt > lookMs) {
      this.#lookedAt = now;
      // A server that does not tell, or not now, is not full as far as anybody knows.
      this.#look = usedShare(this.#connection).catch(() => 0);
    }
    const share = await this.#look;
    if (share < fullFrom) return;
    throw new PawlError(
      'PAWL_REDIS_FULL',
      `${what}: Redis uses ${Math.round(share * 100)} % of its memory limit, and new runs are refused from ${fullFrom * 100} %, so that those at work can go on; nothing was written. Delete ended runs, or raise maxmemory.`,
      { retryable: true },
    );
  }
}

/** Of the fullest server. */
async function usedShare(connection: Connection): Promise<number> {
  const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
  const infos = await Promise.all(nodes.map((node) => node.info('memory')));
  const shares = infos.map((info) => {
    const number = (field: string): number =>
      Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    const limit = number('maxmemory');
    return limit === 0 ? 0 : number('used_memory') / limit;
  });
  return Math.max(0, ...shares);
}
