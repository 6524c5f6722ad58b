import { existsSync } from 'node:fs';
import { Cluster, Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { provideRedis } from '../../src/testing/provide-redis.ts';
import { findRedisProgram, freePort, startRedisServer } from '../../src/testing/redis-server.ts';
import { compiled, killChildren, spawnNode } from '../support/child.ts';
import { startRedisCluster } from '../support/cluster.ts';

function connect(url: string): Redis {
  const client = new Redis(url);
  client.on('error', () => {
    // A killed server is the point of these tests.
  });
  return client;
}

/** Whether a process runs; one that has ended and waits for its parent to notice does not. */
async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

afterEach(killChildren);

describe('a private server', () => {
  test('comes back with its append-only file after SIGKILL, on the same port', async () => {
    const server = await startRedisServer({ config: { appendfsync: 'always' } });
    const client = connect(server.url);
    await client.set('kept', 'yes');
    const { pid, port } = server;
    await server.kill();
    expect(await answers(server.url)).toBe(false);
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await client.get('kept')).toBe('yes');
    client.disconnect();
    await server.stop();
    expect(existsSync(server.dir)).toBe(false);
  });

  test('is set up so that nothing is dropped in silence', async () => {
    const server = await startRedisServer();
    const client = connect(server.url);
    const settings = ['appendonly', 'appendfsync', 'maxmemory-policy', 'save', 'bind'];
    const values = await Promise.all(settings.map((name) => client.config('GET', name)));
    expect(Object.fromEntries(values as [string, string][])).toEqual({
      appendonly: 'yes',
      appendfsync: 'everysec',
      'maxmemory-policy': 'noeviction',
      save: '',
      bind: '127.0.0.1',
    });
    client.disconnect();
    await server.stop();
  });

  test('does not take another server on its port for itself', async () => {
    const port = await freePort();
    const first = await startRedisServer({ port });
    await expect(startRedisServer({ port })).rejects.toThrow(/already in use/);
    expect(await answers(first.url)).toBe(true);
    await first.stop();
  });

  test('says what is wrong with its settings', async () => {
    await expect(startRedisServer({ config: { nonsense: '1' } })).rejects.toThrow(/'nonsense 1'/);
  });

  test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'goes with its folder when its owner ends by %s',
    async (signal) => {
      const owner = spawnNode(compiled('test/support/redis-owner.ts'));
      const { dir, url } = await owner.waitFor((message) => message['type'] === 'started');
      expect(await answers(String(url))).toBe(true);
      owner.kill(signal);
      await vi.waitUntil(() => !existsSync(String(dir)), 10_000);
      expect(await answers(String(url))).toBe(false);
    },
  );
});

describe('PAWL_REDIS_SERVER', () => {
  afterEach(() => vi.unstubAllEnvs());

  test('comes before what is on the PATH', async () => {
    const program = await findRedisProgram();
    vi.stubEnv('PATH', '');
    vi.stubEnv('PAWL_REDIS_SERVER', program);
    expect(await findRedisProgram()).toBe(program);
  });

  test.each(['/nowhere/redis-server', '/tmp'])(
    '%s is refused, since it is no program',
    async (path) => {
      vi.stubEnv('PAWL_REDIS_SERVER', path);
      await expect(startRedisServer()).rejects.toThrow(
        `PAWL_REDIS_SERVER names ${path}, which is no`,
      );
    },
  );
});

describe('provideRedis', () => {
  test('uses a Redis that is named, and leaves it alone when it stops', async () => {
    const server = await startRedisServer();
    const lines: string[] = [];
    const redis = await provideRedis({ url: server.url, log: (line) => lines.push(line) });
    expect(redis).toMatchObject({ url: server.url, origin: 'environment' });
    expect(lines).toEqual([`Using the Redis at 127.0.0.1:${server.port}, named by the option url`]);
    await redis.stop();
    expect(await answers(server.url)).toBe(true);
    await server.stop();
  });

  test('does not repeat the password of a URL it cannot read', async () => {
    await expect(provideRedis({ url: 'secret' })).rejects.toThrow(/^(?!.*secret).*not a URL/);
  });
});

test.each([0, 1] as const)(
  'a cluster with %i replicas per master serves keys',
  async (replicas) => {
    const cluster = await startRedisCluster({ replicas });
    const client = new Cluster([...cluster.nodes]);
    client.on('error', () => {});
    const keys = Array.from({ length: 30 }, (_, i) => `key:${i}`);
    await Promise.all(keys.map((key) => client.set(key, key)));
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
    expect(client.nodes('master')).toHaveLength(3);
    client.disconnect();
    await cluster.stop();
  },
);
