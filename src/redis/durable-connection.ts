/** Confirmed writes have a connection of their own: one that waits does nothing else. */
import type { Logger } from '../core/logger.ts';
import { callSettings, createConnection, type RedisTarget } from './connection.ts';
import type { Confirmation } from './durability.ts';
import { DurableWrites } from './durable-writes.ts';
import type { LineWatch } from './line-watch.ts';

/** Connects; rejects when there is nobody to connect to. */
export async function openDurable(
  target: RedisTarget,
  confirmation: Confirmation,
  { callMs, logger, watch }: { callMs: number; logger: Logger; watch: LineWatch },
): Promise<DurableWrites> {
  const connection = createConnection(target, {
    ...callSettings(callMs),
    // A server is silent while it waits for its replicas.
    socketTimeout: callMs,
    watch,
    // A refused call must not be parted from its WAIT, so it is not sent again by itself.
    resendsRefused: false,
  });
  // The store's other connection says what is wrong with the server.
  connection.on('error', () => undefined);
  try {
    await connection.connect();
  } catch (error) {
    connection.disconnect();
    throw error;
  }
  return new DurableWrites({ connection, confirmation, callMs, logger });
}
