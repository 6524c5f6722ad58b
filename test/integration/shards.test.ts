// Goal: two processes never work past each other with different numbers of shards, also when somebody has emptied Redis
// under both. Method: a server of its own, FLUSHALL, and every order in which those who are left can come back.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { type RedisServer, startRedisServer } from '../../src/testing/redis-server.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { creation, workerInfo } from '../../src/testing/run-store/opened.ts';
import { calmTimeOf } from '../support/calm-time.ts';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer({ config: { appendonly: 'no' } });
  redis = new Redis(server.url);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

beforeEach(async () => {
  await redis.flushall();
});

const refused = expect.objectContaining({ code: 'PAWL_SHARDS' }) as unknown;
const one = defineWorkflow({ name: 'one', run: (ctx) => ctx.step('s', () => 'ran') });
const open = (shards?: number): Promise<RedisRunStore> =>
  RedisRunStore.open({ redis: server.url, ...(shards === undefined ? {} : { shards }) });

async function shardsNow(): Promise<string | null> {
  return redis.hget('{pawl}:config', 'shards');
}

test('a process with another number is refused beside a worker, right after a flush', async () => {
  await using pawl = await Pawl.open({ redis: server.url, shards: 1 });
  // It would not beat by itself during this test.
  const worker = pawl.worker({ workflows: [one], beatMs: 60_000, sessionMs: 180_000 });
  await worker.ready();
  await redis.flushall();
  await expect(Pawl.open({ redis: server.url, shards: 4 })).rejects.toEqual(refused);
  // One that has no opinion takes the worker's, and they work together.
  await redis.flushall();
  await using other = await Pawl.open({ redis: server.url });
  expect(await shardsNow()).toBe('1');
  expect(await (await other.start(one, undefined)).result()).toBe('ran');
});

test('a beat brings the number back, and is refused when others have another one', async () => {
  await using store = await opened(2);
  await store.fleet.beat(workerInfo('w1'), 60_000);
  await redis.flushall();
  await store.fleet.beat(workerInfo('w1'), 60_000);
  expect(await shardsNow()).toBe('2');
  await redis.flushall();
  await using other = await opened(3);
  expect(await shardsNow()).toBe('3');
  await expect(store.fleet.beat(workerInfo('w1'), 60_000)).rejects.toEqual(refused);
  expect(await other.fleet.workers()).toEqual([]);
});

test('a process that only starts runs is refused when others have another number', async () => {
  await using client = await opened(4);
  await client.create(creation());
  await redis.flushall();
  await using other = await opened(1);
  // In each of its shards, whether or not the others have made a run in one of that name.
  await other.create(creation());
  for (let i = 0; i < 20; i++) {
    const made = client.create(creation({ run: `run-${i}` }));
    await expect(made).rejects.toEqual(refused);
  }
  expect((await redis.keys('*:run:*')).length).toBe(1);
  const restore = client.transfer.restore({
    token: 't',
    record: { ...(await anyRecord(other)), id: 'restored' },
    unmanaged: false,
    notifyPending: false,
    cancelPending: false,
    woken: false,
    keepMs: 0,
    snapshot: undefined,
    staged: { events: 0, checkpoints: 0, messages: 0 },
  });
  await expect(restore).rejects.toEqual(refused);
});

test('whoever is left with the same number goes on', async () => {
  await using first = await opened(4);
  await using second = await opened(4);
  for (let round = 0; round < 2; round++) {
    await Promise.all(
      [first, second].flatMap((store) =>
        Array.from({ length: 10 }, () => store.create(creation())),
      ),
    );
    expect((await first.observation.stats()).runs.queued).toBe(20);
    await redis.flushall();
  }
});

test('a prefix that is new is opened at once', async () => {
  await using neighbour = await Pawl.open({ redis: server.url, prefix: 'neighbour' });
  const worker = neighbour.worker({ workflows: [one] });
  await worker.ready();
  const first = opened(4);
  // A worker that does not answer would be waited for longer.
  expect(await calmTimeOf(() => first)).toBeLessThan(900);
  await using store = await first;
  expect((await store.observation.stats()).runs.queued).toBe(0);
  expect(await shardsNow()).toBe('4');
});

test('a worker that does not answer holds nobody up for long', async () => {
  const ghost = new Redis(server.url);
  await ghost.ssubscribe('{pawl}:live:ghost');
  const began = performance.now();
  await using store = await opened(4);
  expect(performance.now() - began).toBeGreaterThan(900);
  expect(await shardsNow()).toBe('4');
  expect(await store.fleet.holders()).toEqual([]);
  ghost.disconnect();
  await sleep(1);
});

async function anyRecord(store: RedisRunStore) {
  return (await store.create(creation())).record;
}

async function opened(shards: number): Promise<RedisRunStore & AsyncDisposable> {
  const store = await open(shards);
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
}
