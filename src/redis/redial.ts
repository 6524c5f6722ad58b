/**
 * When a client connects again.
 *
 * At once after a blip, so that it does not look like a death. Connecting alone is no success: a master that has become
 * read-only takes connections and refuses what is asked, and each refusal ends one. So the pause grows from try to try,
 * about to a second, until a connection has proven useful: it has answered, and for the longer the more. Every second try
 * comes without the pause, because what cuts a connection after a while of silence often spares the next one.
 */
import { Cluster, type Redis, type RedisOptions } from 'ioredis';

const firstMs = 5;
const secondMs = 20;
const longestMs = 1000;
/** A life of so many milliseconds in use makes good for one try. */
const lifePerTryMs = 100;
/** More tries than these are forgotten as soon as one was of use. */
const usefulTriesMax = 4;
/** A connection that is refused the work begins anew, as if nothing had been, only after so long a life. */
const refusedLifeMs = 2000;

/** Milliseconds before try `attempt` in a row. */
function retryDelayMs(attempt: number): number {
  if (attempt <= 1) return firstMs;
  return Math.min(secondMs * 2 ** (attempt - 2), longestMs) * (1 + Math.random() / 10);
}

export interface RedialOptions {
  /** Sends the call that a read-only server has refused again by itself. */
  readonly resendsRefused: boolean;
}

/** Of one client. */
export class Redial {
  readonly #options: RedialOptions;
  #client: Redis | Cluster | undefined;
  #tries = 0;
  /** When the connection of now became ready, and what it had said until then. */
  #readyAt: number | undefined;
  #bytesRead = 0;
  #isRefused = false;
  /** The last try came without a pause although others had failed before. */
  #wasQuick = false;

  constructor(options: RedialOptions = { resendsRefused: true }) {
    this.#options = options;
  }

  /** What the client is made with. */
  get settings(): Required<Pick<RedisOptions, 'retryStrategy' | 'reconnectOnError'>> {
    return {
      retryStrategy: () => this.delayMs(),
      // A replica that was a master until a moment ago: find the new master.
      reconnectOnError: (error) => {
        if (!error.message.startsWith('READONLY')) return false;
        this.#isRefused = true;
        return this.#options.resendsRefused ? 2 : 1;
      },
    };
  }

  attach(client: Redis | Cluster): void {
    this.#client = client;
    client.on('ready', () => {
      this.#readyAt = performance.now();
      this.#bytesRead = client instanceof Cluster ? 0 : bytesReadOf(client);
    });
  }

  /** The connection is gone: milliseconds until the next try. */
  delayMs(): number {
    const lifeMs = this.#readyAt === undefined ? 0 : performance.now() - this.#readyAt;
    const hasAnswered = this.#readyAt !== undefined && this.#hasAnswered(lifeMs);
    if (this.#isRefused) {
      if (lifeMs > refusedLifeMs) this.#tries = 0;
    } else if (hasAnswered) {
      const tries = Math.min(this.#tries, usefulTriesMax);
      this.#tries = Math.max(0, tries - Math.ceil(lifeMs / lifePerTryMs));
    }
    const isSecond = !this.#isRefused && this.#tries > 1 && !this.#wasQuick;
    this.#readyAt = undefined;
    this.#isRefused = false;
    this.#wasQuick = isSecond;
    if (isSecond) return retryDelayMs(2);
    this.#tries += 1;
    return retryDelayMs(this.#tries);
  }

  /** What a cluster has heard is not known: that it lived must do. */
  #hasAnswered(lifeMs: number): boolean {
    const client = this.#client;
    if (client instanceof Cluster) return lifeMs > lifePerTryMs;
    return bytesReadOf(client) > this.#bytesRead;
  }
}

/** 0 for one that has no connection of its own now. */
function bytesReadOf(client: Redis | undefined): number {
  const stream = client?.stream as { readonly bytesRead: number } | undefined;
  return stream?.bytesRead ?? 0;
}
