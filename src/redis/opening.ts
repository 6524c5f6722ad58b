/** What a run store on Redis begins with: a connection to a server that is as it must be, and the keys of a prefix. */
import { defaults } from '../core/limits.ts';
import { type Logger, silentLogger } from '../core/logger.ts';
import { connect, type Connected } from './connection.ts';
import { confirmationFor } from './durability.ts';
import { openDurable } from './durable-connection.ts';
import type { DurableWrites } from './durable-writes.ts';
import { toFault } from './faults.ts';
import { Keys } from './keys.ts';
import { shardsOf } from './shards.ts';
import type { RedisStoreOptions } from './store-options.ts';

export interface OpenedParts {
  readonly connected: Connected;
  readonly keys: Keys;
  readonly own: {
    readonly logger: Logger;
    readonly durable: DurableWrites | undefined;
    readonly callMs: number;
  };
}

/** Connects, checks the server and the prefix; when something is wrong, nothing stays open. */
export async function openParts(options: RedisStoreOptions): Promise<OpenedParts> {
  const logger = options.logger ?? silentLogger;
  const callMs = options.callMs ?? defaults.callMs;
  const connected = await connect(options.redis, {
    connectMs: options.connectMs ?? defaults.connectMs,
    callMs,
    allowEviction: options.allowEviction ?? false,
    logger,
  });
  const prefix = options.prefix ?? defaults.prefix;
  const wanted = options.shards ?? (connected.cluster ? defaults.clusterShards : defaults.shards);
  try {
    const { durability = 'memory' } = options;
    const confirmation = await confirmationFor(durability, connected.connection);
    const asked = options.shards;
    const shards = await shardsOf(connected.connection, prefix, { wanted, asked });
    const durable =
      confirmation && (await openDurable(connected.target, confirmation, { callMs, logger }));
    return { connected, keys: new Keys(prefix, shards), own: { logger, durable, callMs } };
  } catch (error) {
    connected.connection.disconnect();
    throw toFault(error, 'open');
  }
}
