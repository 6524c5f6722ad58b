/** What the run store on Redis tells of its health: a few small reads for each shard, no scripts. */
import { runStatuses } from '../core/run.ts';
import type { StoreHealth } from '../core/store-health.ts';
import type { Connection } from './connection.ts';
import type { Keys, ShardKeys } from './keys.ts';
import { memoryShare, serverFacts } from './server-facts.ts';

export async function readHealth(connection: Connection, keys: Keys): Promise<StoreHealth> {
  const [seconds, micros] = await connection.time();
  const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  const [server, ...shards] = await Promise.all([
    readServer(connection),
    ...keys.shards.map((shard) => readShard(connection, shard, now)),
  ]);
  const since = shards.flatMap(({ overdueSince }) => overdueSince ?? []);
  return {
    ...(server === undefined ? {} : { server }),
    now,
    overdue: shards.reduce((sum, { overdue }) => sum + overdue, 0),
    overdueSince: since.length === 0 ? undefined : Math.min(...since),
    queued: shards.reduce((sum, { queued }) => sum + queued, 0),
    mismatches: shards.flatMap(({ mismatch }) => mismatch ?? []),
  };
}

/** The server that is worst off: no master, or else the fullest. */
async function readServer(connection: Connection): Promise<StoreHealth['server']> {
  const facts = (await serverFacts(connection)).filter((one) => one !== undefined);
  const [worst] = facts.toSorted(
    (a, b) =>
      Number(a.field('role') === 'master') - Number(b.field('role') === 'master') ||
      memoryShare(b) - memoryShare(a),
  );
  if (worst === undefined) return undefined;
  const { name, field } = worst;
  const notCounted = Number(field('mem_not_counted_for_evict'));
  return {
    name,
    version: field('valkey_version') || field('redis_version'),
    role: field('role'),
    usedBytes: Number(field('used_memory')) - notCounted,
    maxBytes: Number(field('maxmemory')),
    failures: [
      ...(field('aof_last_write_status') === 'err' ? ['its append-only file'] : []),
      ...(field('rdb_last_bgsave_status') === 'err' ? ['its last save'] : []),
    ],
  };
}

interface ShardHealth {
  readonly overdue: number;
  readonly overdueSince: number | undefined;
  readonly queued: number;
  readonly mismatch: string | undefined;
}

async function readShard(
  connection: Connection,
  shard: ShardKeys,
  now: number,
): Promise<ShardHealth> {
  const [overdue, first, mismatch, queued, interrupted] = await Promise.all([
    connection.zcount(shard.due, '-inf', now),
    connection.zrange(shard.due, '0', '0', 'WITHSCORES'),
    compareSizes(connection, shard),
    connection.zcard(shard.byStatus('queued')),
    connection.zcard(shard.byStatus('interrupted')),
  ]);
  const at = Number(first[1] ?? Infinity);
  return {
    overdue,
    overdueSince: at <= now ? at : undefined,
    queued: queued + interrupted,
    mismatch,
  };
}

/** Each run has one status; so the sizes must agree, whatever single runs look like. Undefined when they do. */
export async function compareSizes(
  connection: Connection,
  shard: ShardKeys,
): Promise<string | undefined> {
  const read = connection.multi().zcard(shard.runs).zcard(shard.ids);
  for (const status of runStatuses) read.zcard(shard.byStatus(status));
  const replies = (await read.exec()) ?? [];
  const [runs = 0, ids = 0, ...byStatus] = replies.map(([, count]) => Number(count));
  const sum = byStatus.reduce((total, count) => total + count, 0);
  if (runs === ids && runs === sum) return undefined;
  return `${shard.base} lists ${runs} runs, ${ids} ids and ${sum} by status`;
}
