/** Moves slots of a Redis Cluster to another master while they are in use, key by key or all at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import calculateSlot from 'cluster-key-slot';
import { Redis } from 'ioredis';
import type { RedisCluster } from './cluster.ts';

const keysPerCall = 20;
const migrationMsMax = 20_000;

/** From, to, and the owner: host, port, id. */
type SlotRange = readonly [number, number, readonly [string, number, string]];

interface Node {
  readonly client: Redis;
  readonly id: string;
  readonly port: number;
  readonly isMaster: boolean;
}

interface Move {
  readonly slot: number;
  readonly source: Node;
  readonly target: Node;
  readonly masters: readonly Node[];
}

/** Moves the slot of a key to a master that does not have it; returns how many keys went over. */
export function migrateSlotOf(cluster: RedisCluster, key: string): Promise<number> {
  return withMove(cluster, key, async ({ slot, source, target, masters }) => {
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
    await target.client.call('CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
    for (const { client } of masters)
      await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
    return moved;
  });
}

/** Has the servers themselves move the slot of a key, all of it in one moment; returns how many keys went over. */
export function migrateAtomically(cluster: RedisCluster, key: string): Promise<number> {
  return withMove(cluster, key, async ({ slot, source, target }) => {
    const range = ['SLOTSRANGE', slot, slot, 'NODE', target.id] as const;
    await source.client.call('CLUSTER', 'MIGRATESLOTS', ...range);
    const until = performance.now() + migrationMsMax;
    for (;;) {
      const text = JSON.stringify(await source.client.call('CLUSTER', 'GETSLOTMIGRATIONS'));
      const own = text.split('"name"').find((one) => one.includes(`"${slot}-${slot}"`)) ?? '';
      if (own.includes('"success"')) break;
      if (/"(failed|cancelled)"/.test(own)) throw new Error(`the slot did not move: ${own}`);
      if (performance.now() > until) throw new Error(`the slot does not move: ${text}`);
      await sleep(20);
    }
    return Number(await target.client.call('CLUSTER', 'COUNTKEYSINSLOT', slot));
  });
}

async function withMove<T>(
  cluster: RedisCluster,
  key: string,
  move: (move: Move) => Promise<T>,
): Promise<T> {
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
    const masters = nodes.filter(({ isMaster }) => isMaster);
    return await move({ slot, source, target, masters });
  } finally {
    for (const client of clients) client.disconnect();
  }
}
