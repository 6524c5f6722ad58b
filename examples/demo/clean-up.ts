/** Takes the demo's keys out of a Redis that was there before and stays. */
import { Redis } from 'ioredis';
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
 * settings of the prefix, the register of workers. Does nothing in a Redis Cluster, where a scan
 * sees one node only.
 */
export async function removePrefix(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true });
  try {
    await redis.connect();
    for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `{${prefix}*`, 'COUNT', keysPerCall);
      if (keys.length > 0) await redis.unlink(...keys);
      cursor = next;
    }
  } finally {
    redis.disconnect();
  }
}
