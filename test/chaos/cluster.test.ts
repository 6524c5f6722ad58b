// Goal: in a Cluster a master may die and slots may move under load; all runs end and nothing acknowledged is lost. Method:
// three masters with a replica each, worker processes that say what was acknowledged to them.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Pawl } from 'pawl';
import type { RunHandle } from 'pawl';
import { defaults } from '../../src/core/limits.ts';
import { Keys } from '../../src/redis/keys.ts';
import type { RedisServer } from '../../src/testing/redis-server.ts';
import { judge } from '../support/acknowledged.ts';
import { compiled, killChildren } from '../support/child.ts';
import { startRedisCluster, type RedisCluster } from '../support/cluster.ts';
import { migrateAtomically, migrateSlotOf } from '../support/migrate-slot.ts';
import { serverHas } from '../support/server-commands.ts';
import { diary } from '../support/workflows.ts';
import { newPrefix, startWorker } from '../support/workers.ts';

const runCount = 10;
const count = 100;

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster({ replicas: 1, config: { 'cluster-node-timeout': '1000' } });
});

afterEach(killChildren);

afterAll(async () => {
  await cluster.stop();
});

const urlOfAll = (): string =>
  `redis+cluster://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;

/** Lets a fault happen while runs are at work, and judges them when they have ended. */
async function underLoad(
  fault: (prefix: string, runs: readonly RunHandle[]) => Promise<void>,
): Promise<void> {
  const url = urlOfAll();
  const shared = { url, prefix: newPrefix(), durability: 'replica' } as const;
  await using pawl = await Pawl.open({ redis: url, prefix: shared.prefix });
  const workers = [(await startWorker(shared)).child, (await startWorker(shared)).child];
  const start = (paceMs: number) => pawl.start(diary, { count, paceMs });
  const runs = await Promise.all(Array.from({ length: runCount }, () => start(15)));
  await sleep(500);
  await fault(shared.prefix, runs);
  runs.push(await start(1));
  for (const run of runs) expect(await run.result()).toEqual({ entries: count });
  for (const { lost, places, acknowledged } of await judge(runs, workers)) {
    expect(lost).toEqual([]);
    expect(places).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(acknowledged).toBeGreaterThan(0);
  }
  for (const worker of workers) worker.kill('SIGTERM');
  for (const worker of workers) expect(await worker.exit).toEqual({ code: 0, signal: null });
}

async function promoted(replica: RedisServer | undefined): Promise<void> {
  const redis = new Redis(replica?.url ?? '');
  await expect.poll(() => redis.info('replication'), { timeout: 10_000 }).toContain('role:master');
  redis.disconnect();
}

test('a master that is killed is replaced by its replica, and all runs end', async () => {
  await underLoad(async () => {
    const [master, , , replica] = cluster.servers;
    await master?.kill();
    await promoted(replica);
    // Until it is back, as a replica, writes to its slots wait: nobody confirms them.
    await master?.restart();
  });
});

test('the slots of a shard and of the resume queue move while they are in use', async () => {
  await underLoad(async (prefix, runs) => {
    const keys = new Keys(prefix, defaults.clusterShards);
    for (const key of [...runs.slice(0, 2).map(({ id }) => keys.of(id).due), keys.workers]) {
      expect(await migrateSlotOf(cluster, key)).toBeGreaterThan(0);
    }
  });
});

const movesAtomically = await serverHas('cluster|migrateslots');

test.skipIf(!movesAtomically)(
  'slots that the servers move by themselves, in one moment (needs CLUSTER MIGRATESLOTS)',
  async () => {
    await underLoad(async (prefix, runs) => {
      const keys = new Keys(prefix, defaults.clusterShards);
      for (const key of [...runs.slice(0, 2).map(({ id }) => keys.of(id).due), keys.workers]) {
        expect(await migrateAtomically(cluster, key)).toBeGreaterThan(0);
      }
    });
  },
);

test('the demo passes its own verdict on a cluster, and leaves nothing there', async () => {
  const args = ['--runs', '6', '--workers', '2', '--kills', '1', '--seed', '7', '--json'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [compiled('examples/demo/main.ts'), ...args, '--redis', urlOfAll()],
    { timeout: 50_000 },
  );
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  for (const server of cluster.servers) {
    const redis = new Redis(server.url);
    expect(await redis.keys('{demo-*')).toEqual([]);
    redis.disconnect();
  }
});
