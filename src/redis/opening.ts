/** What a run store on Redis begins with: a connection to a server that is as it must be, and the keys of a prefix. */
import { defaults } from '../core/limits.ts';
import { type Logger, silentLogger } from '../core/logger.ts';
import { callSettings, connect, type Connected, silenceMs, type Use } from './connection.ts';
import { confirmationFor } from './durability.ts';
import { openDurable } from './durable-connection.ts';
import type { DurableWrites } from './durable-writes.ts';
import { toFault } from './faults.ts';
import { Keys } from './keys.ts';
import { LineWatch } from './line-watch.ts';
import { shardsOf } from './shards.ts';
import type { RedisStoreOptions } from './store-options.ts';

export interface OpenedParts {
  readonly connected: Connected;
  readonly keys: Keys;
  readonly own: {
    readonly logger: Logger;
    readonly durable: DurableWrites | undefined;
    /** How connections are made. */
    readonly use: Use;
  };
}

/** Connects, checks the server and the prefix; when something is wrong, nothing stays open. */
export async function openParts(options: RedisStoreOptions): Promise<OpenedParts> {
  const logger = options.logger ?? silentLogger;
  const callMs = options.callMs ?? defaults.callMs;
  const watch = new LineWatch(silenceMs(callMs));
  const connected = await connect(options.redis, {
    callMs,
    logger,
    watch,
    connectMs: options.connectMs ?? defaults.connectMs,
    allowEviction: options.allowEviction ?? false,
  });
  const prefix = options.prefix ?? defaults.prefix;
  const wanted = options.shards ?? (connected.cluster ? defaults.clusterShards : defaults.shards);
  try {
    const { durability = 'memory' } = options;
    const confirmation = await confirmationFor(durability, connected.connection);
    const asked = options.shards;
    const shards = await shardsOf(connected.connection, prefix, { wanted, asked });
    const durable =
      confirmation &&
      (await openDurable(connected.target, confirmation, { callMs, logger, watch }));
    const use = { ...callSettings(callMs), watch };
    return { connected, keys: new Keys(prefix, shards), own: { logger, durable, use } };
  } catch (error) {
    connected.connection.disconnect();
    throw toFault(error, 'open');
  }
}
