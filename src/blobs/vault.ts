/**
 * The blob store as the rest of the house may use it: what is got is what was put, or says what is wrong; a call that
 * hangs or fails is tried again for a while, and then is a fault as that of Redis is.
 *
 * Bytes under an address never change, so the newest of them are kept in memory. Nothing else is remembered here.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { BlobStore } from '../core/blobs.ts';
import type { Clock } from '../core/clock.ts';
import { BlobError, UnavailableError } from '../core/errors.ts';
import { unreadable } from '../core/sealed.ts';
import { Gate } from './gate.ts';

/** How long one call of the blob store may take, and how often it is made, with a pause in between. */
const callMs = 30_000;
const attemptsMost = 3;
const pauseMs = 100;
/** Calls at work at one time: those that somebody waits for, and removals. */
const callsMost = 16;
const removalsMost = 4;
const cacheBytes = 32 * 1024 * 1024;

export class Vault {
  readonly #store: BlobStore;
  readonly #clock: Clock;
  /** By address, the one that was used last at the end. */
  readonly #cache = new Map<string, Uint8Array>();
  #cached = 0;
  readonly #calls = new Gate(callsMost);
  readonly #removals = new Gate(removalsMost);

  constructor(store: BlobStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A new address for these bytes. `place`: a letter for what they are, and a number in hexadecimal digits. */
  addressOf(bytes: Uint8Array, place: string): string {
    return `${hashOf(bytes)}.${randomBytes(8).toString('hex')}.${place}`;
  }

  /** @throws UnavailableError: nobody refers to the address yet. */
  async put(address: string, bytes: Uint8Array): Promise<void> {
    const put = (): Promise<void> => this.#store.put(address, bytes);
    await this.#call(this.#calls, 'put', 'not-applied', put);
    this.#remember(address, Uint8Array.from(bytes));
  }

  /**
   * What was put. Bytes that are missing or damaged are a value that throws when it is decoded, so that the others of its
   * page can be read.
   * @throws UnavailableError.
   */
  async get(run: string, address: string): Promise<Uint8Array> {
    const cached = this.#cache.get(address);
    if (cached !== undefined) {
      this.#remember(address, cached);
      // Whoever changes what he was given changes nothing here.
      return Uint8Array.from(cached);
    }
    const get = (): Promise<Uint8Array | undefined> => this.#store.get(address);
    const found = await this.#call(this.#calls, 'get', 'unknown', get);
    const key = `run ${run}, blob ${address}`;
    if (found === undefined) return unreadable(new BlobError({ key }, address, 'is missing'));
    if (hashOf(found) !== address.slice(0, address.indexOf('.'))) {
      return unreadable(
        new BlobError({ key }, address, 'is damaged: its content has another hash'),
      );
    }
    this.#remember(address, Uint8Array.from(found));
    return Uint8Array.from(found);
  }

  /** @throws UnavailableError. */
  async delete(address: string): Promise<void> {
    const cached = this.#cache.get(address);
    if (cached !== undefined && this.#cache.delete(address)) this.#cached -= cached.length;
    const remove = (): Promise<void> => this.#store.delete(address);
    await this.#call(this.#removals, 'delete', 'unknown', remove);
  }

  async #call<T>(
    gate: Gate,
    what: string,
    outcome: 'not-applied' | 'unknown',
    call: () => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await gate.through(() => this.#within(call));
      } catch (error) {
        if (attempt === attemptsMost) {
          throw new UnavailableError(`the blob store failed to ${what}`, outcome, error);
        }
      }
      await this.#clock.sleep(pauseMs * 2 ** attempt);
    }
  }

  #within<T>(call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = this.#clock.soon(callMs, () => {
        reject(new Error(`the blob store did not answer within ${callMs} ms`));
      });
      // A store of somebody else may throw where it should reject.
      const called = (async () => call())();
      called.then(resolve, reject).finally(stop);
    });
  }

  #remember(address: string, bytes: Uint8Array): void {
    const known = this.#cache.get(address);
    if (known !== undefined && this.#cache.delete(address)) this.#cached -= known.length;
    if (bytes.length > cacheBytes / 4) return;
    this.#cache.set(address, bytes);
    this.#cached += bytes.length;
    for (const [oldest, { length }] of this.#cache) {
      if (this.#cached <= cacheBytes) return;
      this.#cache.delete(oldest);
      this.#cached -= length;
    }
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
