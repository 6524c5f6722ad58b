/** Confirmed writes have a connection of their own: one that waits does nothing else. */
import type { Logger } from '../core/logger.ts';
import { callSettings, createConnection, type RedisTarget } from './connection.ts';
import type { Confirmation } from './durability.ts';
import { DurableWrites } from './durable-writes.ts';

/** Connects; rejects when there is nobody to connect to. */
export async function openDurable(
  target: RedisTarget,
  confirmation: Confirmation,
  { callMs, logger }: { callMs: number; logger: Logger },
): Promise<DurableWrites> {
  const connection = createConnection(target, {
    ...callSettings(callMs),
    // A server is silent while it waits for its replicas.
    socketTimeout: callMs,
    // Reconnects without sending the one refused command again: it must not be parted from its WAIT.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
  });
  // The store's other connection says what is wrong with the server.
  connection.on('error', () => undefined);
  await connection.connect();
  return new DurableWrites({ connection, confirmation, callMs, logger });
}
