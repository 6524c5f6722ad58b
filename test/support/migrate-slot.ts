/** Moves a slot of a Redis Cluster to another master while it is in use. */
import calculateSlot from 'cluster-key-slot';
import { Redis } from 'ioredis';
import type { RedisCluster } from './cluster.ts';

const keysPerCall = 20;

/** From, to, and the owner: host, port, id. */
type SlotRange = readonly [number, number, readonly [string, number, string]];

/** Moves the slot of a key to a master that does not have it; returns how many keys went over. */
export async function migrateSlotOf(cluster: RedisCluster, key: string): Promise<number> {
  const slot = calculateSlot(key);
  const clients = cluster.servers.map(({ port }) => new Redis(port, '127.0.0.1'));
  try {
    const nodes = await Promise.all(
      clients.map(async (client) => ({
        client,
        id: String(await client.call('CLUSTER', 'MYID')),
        port: client.options.port ?? 0,
        isMaster: (await client.info('replication')).includes('role:master'),
      })),
    );
    const ranges = (await clients[0]?.call('CLUSTER', 'SLOTS')) as SlotRange[];
    const range = ranges.find(([from, to]) => from <= slot && slot <= to);
    const ownerId = String(range?.[2][2]);
    const source = nodes.find(({ id }) => id === ownerId);
    const target = nodes.find(({ id, isMaster }) => isMaster && id !== ownerId);
    if (source === undefined || target === undefined) throw new Error('no two masters');
    await target.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id);
    await source.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id);
    let moved = 0;
    for (;;) {
      const keys = (await source.client.call(
        ...(['CLUSTER', 'GETKEYSINSLOT', slot, keysPerCall] as const),
      )) as string[];
      if (keys.length === 0) break;
      const to = ['127.0.0.1', target.port, '', 0, 5000, 'KEYS'] as const;
      await source.client.call('MIGRATE', ...to, ...keys);
      moved += keys.length;
    }
    // The new owner first: nobody may be told that the slot is nobody's.
    const masters = nodes.filter(({ isMaster }) => isMaster);
    await target.client.call('CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
    for (const { client } of masters)
      await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
    return moved;
  } finally {
    for (const client of clients) client.disconnect();
  }
}
