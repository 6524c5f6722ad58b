import type { Cluster } from 'ioredis';
import type { PawlError } from '../core/errors.ts';
import { refusedConnection } from './faults.ts';

/**
 * Why no node of a cluster lets us in, where the next try will fare no better; undefined when one of them may. A cluster
 * says only that the connection was closed, so each of its nodes is asked by a connection of its own.
 */
export async function refusedByAll(cluster: Cluster): Promise<PawlError | undefined> {
  const reasons = await Promise.all(
    cluster.nodes().map(async (node) => {
      const own = node.duplicate({ lazyConnect: true, retryStrategy: null });
      let reason: PawlError | undefined;
      own.on('error', (error: Error) => {
        reason ??= refusedConnection(error);
      });
      // The event has the reason, the rejection only that the connection is closed.
      await own.connect().catch(() => undefined);
      own.disconnect();
      return reason;
    }),
  );
  return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
}
