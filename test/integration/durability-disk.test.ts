// Goal: with durability disk a write is acknowledged after its flush, also where the server flushes by itself each second.
// Method: a server that is told to leave flushing to its system, so that no flush is known; and SIGKILL under load.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Pawl } from 'pawl';
import type { RunStore } from '../../src/core/store.ts';
import { event, held, newId } from '../../src/testing/run-store/opened.ts';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { judge } from '../support/acknowledged.ts';
import { killChildren } from '../support/child.ts';
import { openRedisStore } from '../support/conformance.ts';
import { serverHas } from '../support/server-commands.ts';
import { newPrefix, startWorker } from '../support/workers.ts';
import { diary } from '../support/workflows.ts';

const runCount = 5;
const count = 8;

describe.skipIf(!(await serverHas('waitaof')))('durability disk (needs WAITAOF)', () => {
  let server: RedisServer;
  let admin: Redis;
  let store: RunStore;
  let close: () => Promise<void>;

  beforeAll(async () => {
    server = await startRedisServer();
    admin = new Redis(server.url);
    const options = { redis: server.url, prefix: newPrefix(), durability: 'disk' } as const;
    const opened = await openRedisStore(options);
    store = opened.store;
    close = () => opened.close();
  });

  afterEach(async () => {
    await killChildren();
    await admin.config('SET', 'appendfsync', 'everysec');
  });

  afterAll(async () => {
    await close?.();
    admin?.disconnect();
    await server?.stop();
  });

  const calls = async (command: string): Promise<number> => {
    const stats = await admin.info('commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  };

  test('a write that is not known to be flushed is stored, and says so; again, it is confirmed', async () => {
    const { ownership, record } = await held(store);
    const { run } = ownership;
    const commit = { ...ownership, token: newId('token'), expectedSeq: record.seq };
    const params = { ...commit, events: [event('a')] };
    await admin.config('SET', 'appendfsync', 'no');
    await expect(store.commit(params)).rejects.toMatchObject({
      code: 'PAWL_NOT_DURABLE',
      outcome: 'applied',
      retryable: true,
      wanted: 1,
      reached: 0,
    });
    expect((await store.record(run))?.seq).toBe(record.seq + 1);
    await admin.config('SET', 'appendfsync', 'everysec');
    await expect(store.commit(params)).resolves.toMatchObject({ outcome: 'committed' });
    expect((await store.record(run))?.seq).toBe(record.seq + 1);
  });

  test('commits of many runs share a confirmation', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => held(store)));
    await admin.config('RESETSTAT');
    await Promise.all(
      all.map(({ ownership, record }) =>
        store.commit({
          ...ownership,
          token: newId('token'),
          expectedSeq: record.seq,
          events: [event('a')],
        }),
      ),
    );
    const waits = await calls('waitaof');
    expect(waits).toBeGreaterThan(0);
    expect(waits).toBeLessThanOrEqual(2);
  });

  test('a flush each second is soon enough for every commit', async () => {
    const { ownership, record } = await held(store);
    for (let i = 0; i < 12; i++) {
      const commit = { ...ownership, token: newId('token'), expectedSeq: record.seq + i };
      await store.commit({ ...commit, events: [event('a')] });
      // The flushes come at another moment of each wait.
      await sleep(i * 83);
    }
    expect((await store.record(ownership.run))?.seq).toBe(record.seq + 12);
  });

  test('a server that is killed under load has everything that was acknowledged', async () => {
    const killed = await startRedisServer();
    const shared = { url: killed.url, prefix: newPrefix(), durability: 'disk' } as const;
    const { prefix, durability } = shared;
    await using pawl = await Pawl.open({ redis: killed.url, prefix, durability });
    const workers = [(await startWorker(shared)).child, (await startWorker(shared)).child];
    const start = () => pawl.start(diary, { count, paceMs: 15 });
    const runs = await Promise.all(Array.from({ length: runCount }, start));
    await sleep(3_000);
    await killed.kill();
    await killed.restart();
    for (const run of runs) expect(await run.result()).toEqual({ entries: count });
    for (const { lost, places, acknowledged, isRewound } of await judge(runs, workers)) {
      expect({ lost, isRewound }).toEqual({ lost: [], isRewound: false });
      expect(places).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(acknowledged).toBeGreaterThan(0);
    }
    for (const worker of workers) worker.kill('SIGTERM');
    for (const worker of workers) expect(await worker.exit).toEqual({ code: 0, signal: null });
    await pawl.close();
    await killed.stop();
  });
});
