/** Takes the demo's keys out of a Redis that was there before and stays. */
import { Cluster, Redis } from 'ioredis';
import type { Pawl } from 'pawl';

const keysPerCall = 500;

/**
 * Deletes every run of the demo. Those of its runs that a worker holds stay; there are none when
 * all workers have left.
 */
export async function deleteRuns(pawl: Pawl, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => pawl.delete(id).catch(() => false)));
}

/**
 * Removes what is left under the demo's own prefix when its runs are gone: the resume queue, the
 * settings of the prefix, the register of workers. Behind sentinels it leaves them.
 */
export async function removePrefix(url: string, prefix: string): Promise<void> {
  if (url.includes('+sentinel:')) return;
  // Of a Cluster one node is enough, to begin with.
  const redis = new Redis(url.replace('+cluster', '').split(',')[0] ?? url, { lazyConnect: true });
  try {
    await redis.connect();
    const isCluster = (await redis.info('cluster')).includes('cluster_enabled:1');
    if (isCluster) await removeFromCluster(redis, prefix);
    else await removeFrom(redis, prefix);
  } finally {
    redis.disconnect();
  }
}

async function removeFromCluster(seed: Redis, prefix: string): Promise<void> {
  const { host = '127.0.0.1', port = 6379, username, password } = seed.options;
  const login = { ...(username && { username }), ...(password && { password }) };
  const cluster = new Cluster([{ host, port }], { redisOptions: login, lazyConnect: true });
  try {
    await cluster.connect();
    for (const node of cluster.nodes('master')) await removeFrom(node, prefix);
  } finally {
    cluster.disconnect();
  }
}

/** One key at a time, because in a Cluster those of one node are of many slots. */
async function removeFrom(redis: Redis, prefix: string): Promise<void> {
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `{${prefix}*`, 'COUNT', keysPerCall);
    await Promise.all(keys.map((key) => redis.unlink(key)));
    cursor = next;
  }
}
