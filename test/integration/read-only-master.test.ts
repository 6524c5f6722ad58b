// Goal: a master that is read-only for a while, as in a failover, is not knocked at without end, and work goes on behind it.
// Method: a server of its own becomes a replica of nobody for some seconds; its connections are counted.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Pawl } from 'pawl';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { ticks } from '../support/workflows.ts';

let server: RedisServer;
let admin: Redis;

beforeEach(async () => {
  server = await startRedisServer();
  admin = new Redis(server.url);
});

afterEach(async () => {
  admin.disconnect();
  await server.stop();
});

async function connections(): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1]);
}

test.each(['memory', 'disk'] as const)(
  'with durability %s a read-only master is asked a few times a second at most',
  async (durability) => {
    const warnings: string[] = [];
    const warn = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
    process.on('warning', warn);
    if (durability === 'disk') await admin.config('SET', 'appendfsync', 'always');
    const pawl = await Pawl.open({ redis: server.url, durability });
    try {
      await pawl.worker({ workflows: [ticks] }).ready();
      const running = await pawl.start(ticks, { count: 200, paceMs: 20 });
      await sleep(300);
      await admin.replicaof('127.0.0.1', 1);
      const before = await connections();
      const started = pawl.start(ticks, { count: 3 });
      await sleep(4000);
      expect((await connections()) - before).toBeLessThan(40);
      await admin.replicaof('NO', 'ONE');
      expect(await (await started).result({ timeoutMs: 15_000 })).toEqual({ sum: 3 });
      expect(await running.result({ timeoutMs: 25_000 })).toEqual({ sum: 19_900 });
    } finally {
      await pawl.close({ graceMs: 100 });
      process.off('warning', warn);
    }
    expect(warnings).toEqual([]);
  },
  60_000,
);
