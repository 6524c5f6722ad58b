// Goal: asking about workers costs few calls, however many workers there are. Method: a thousand of them register on a
// server of their own, which counts what it is sent.
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { type RedisServer, startRedisServer } from '../../src/testing/redis-server.ts';
import { workerInfo } from '../../src/testing/run-store/opened.ts';

const count = 1_000;
const longMs = 600_000;
const ids = Array.from({ length: count }, (_, i) => `worker-${i}`);

let server: RedisServer;
let store: RedisRunStore;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer({ config: { appendonly: 'no' } });
  store = await RedisRunStore.open({ redis: server.url });
  redis = new Redis(server.url);
  await Promise.all(
    ids.map((id, i) => store.beat(workerInfo(id, { active: i, workflows: { w: i } }), longMs)),
  );
});

afterAll(async () => {
  await store.close();
  redis.disconnect();
  await server.stop();
});

/** Calls that are sent while `ask` is at work; what a script calls is inside of one. */
async function callsOf<T>(ask: () => Promise<T>): Promise<{ calls: number; answer: T }> {
  await redis.config('RESETSTAT');
  const answer = await ask();
  const stats = await redis.info('commandstats');
  const callsOfOne = (name: string): number =>
    Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  const scripts = callsOfOne('eval') + callsOfOne('evalsha');
  const others = ['zrange', 'hgetall', 'hexists'].map(callsOfOne).reduce((a, b) => a + b, 0);
  return { calls: scripts > 0 ? scripts + callsOfOne('zrange') : others, answer };
}

test('all workers are told of in a few calls, each once and as it is', async () => {
  const { calls, answer } = await callsOf(() => store.workers());
  expect(calls).toBeLessThanOrEqual(1 + count / 100);
  expect(answer.map(({ id }) => id).sort()).toEqual([...ids].sort());
  const last = answer.find(({ id }) => id === 'worker-999');
  const info = workerInfo('worker-999', { active: 999, workflows: { w: 999 } });
  expect(last).toMatchObject({ ...info, presence: false, draining: false });
});

test('their ids are one call, and so is how many are alive', async () => {
  const registered = await callsOf(() => store.fleet.registered());
  expect(registered.calls).toBe(1);
  expect([...registered.answer].sort()).toEqual([...ids].sort());
  expect(await callsOf(() => store.fleet.alive())).toEqual({ calls: 1, answer: count });
});
