// Goal: the demo plays on a Redis Cluster, and leaves nothing there. Method: its command, with few runs.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { compiled } from '../support/child.ts';
import { startRedisCluster } from '../support/cluster.ts';

test('the demo passes its own verdict on a cluster, by the URL of all nodes', async () => {
  const cluster = await startRedisCluster();
  try {
    const url = `redis+cluster://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
    const args = ['--runs', '6', '--workers', '2', '--kills', '1', '--seed', '7', '--json'];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [compiled('examples/demo/main.ts'), ...args, '--redis', url],
      { timeout: 50_000 },
    );
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    for (const server of cluster.servers) {
      const redis = new Redis(server.url);
      expect(await redis.keys('*')).toEqual([]);
      redis.disconnect();
    }
  } finally {
    await cluster.stop();
  }
});
