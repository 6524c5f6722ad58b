/** `PawlSaver`: the wiring of a saver of LangGraph. It opens the store in Redis, and puts encryption around payloads. */
import { toMilliseconds } from './core/duration.ts';
import { defaultLimits, defaults } from './core/limits.ts';
import { checkPrefix } from './core/names.ts';
import { newToken } from './engine/token.ts';
import { Expiry } from './langgraph/expiry.ts';
import { ThreadSaver, type ThreadSaverParts } from './langgraph/thread-saver.ts';
import type { PawlSaverOptions } from './langgraph-options.ts';
import { checkSaver } from './option-checks.ts';
import { RedisRunStore } from './redis/run-store.ts';
import { targetOf } from './redis/target.ts';
import { chosenLogger, keyring } from './wiring.ts';

/**
 * Keeps the threads of LangGraph in plain Redis or Valkey, on one server, under Sentinel, or in a Cluster; no modules are
 * needed. Get one with `PawlSaver.open`, pass it to `compile({ checkpointer })`, and close it when you are done.
 *
 * `put` waits for the earlier `putWrites` of its thread, so no node whose writes were acknowledged runs again after a crash.
 */
export class PawlSaver extends ThreadSaver implements AsyncDisposable {
  readonly #store: RedisRunStore;
  readonly #expiry: Expiry | undefined;

  private constructor(store: RedisRunStore, parts: ThreadSaverParts) {
    super(parts);
    this.#store = store;
    if (parts.ttlMs !== undefined) this.#expiry = new Expiry(parts);
  }

  /**
   * Connects to Redis and checks that it will keep what it is given. Without `redis`, the address is in `PAWL_REDIS_URL`
   * or `REDIS_URL` of the environment.
   * @throws InvalidError for a bad option, and for none; UnavailableError when Redis does not answer within `connectMs`;
   *   PawlError `PAWL_REDIS_VERSION`, `PAWL_REDIS_CONFIG`, `PAWL_SHARDS`. Nothing was written.
   */
  static async open(options: PawlSaverOptions = {}): Promise<PawlSaver> {
    checkSaver(options, 'saver options');
    const { encryption, limits, serde, ttl, prefix = defaults.prefix } = options;
    const redis = targetOf(options, process.env);
    checkPrefix(prefix);
    const cipher = keyring(encryption, prefix);
    const logger = chosenLogger(options.logger);
    const store = await RedisRunStore.open({ ...options, redis, logger });
    return new PawlSaver(store, {
      store: store.langgraph,
      cipher,
      logger,
      newToken,
      serde,
      ttlMs: ttl === undefined ? undefined : toMilliseconds(ttl, 'saver options.ttl'),
      limit: limits?.stateBytes ?? defaultLimits.stateBytes,
    });
  }

  /** Stops deleting what is over, and closes the connection. What was acknowledged is stored. */
  async close(): Promise<void> {
    this.#expiry?.stop();
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
