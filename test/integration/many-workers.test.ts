// Goal: asking about workers costs few calls, however many workers there are. Method: a thousand of them register on a
// server of their own, which counts what it is sent. With PAWL_WORKERS there are as many as that says, and what each way of
// asking costs is printed.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { type RedisServer, startRedisServer } from '../../src/testing/redis-server.ts';
import { committed, held, workerInfo } from '../../src/testing/run-store/opened.ts';

const asked = process.env['PAWL_WORKERS'];
const count = Number(asked ?? 1_000);
const longMs = 600_000;
const ids = Array.from({ length: count }, (_, i) => `worker-${i}`);

let server: RedisServer;
let store: RedisRunStore;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer({ config: { appendonly: 'no' } });
  store = await RedisRunStore.open({ redis: server.url });
  redis = new Redis(server.url);
  for (let from = 0; from < count; from += 500) {
    const page = ids.slice(from, from + 500);
    await Promise.all(
      page.map((id, i) =>
        store.fleet.beat(workerInfo(id, { active: from + i, workflows: { w: from + i } }), longMs),
      ),
    );
  }
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
  const { calls, answer } = await callsOf(() => store.fleet.workers());
  expect(calls).toBeLessThanOrEqual(1 + count / 100);
  expect(answer.map(({ id }) => id).sort()).toEqual([...ids].sort());
  const last = answer.find(({ id }) => id === ids.at(-1));
  const info = workerInfo(ids.at(-1) ?? '', { active: count - 1, workflows: { w: count - 1 } });
  expect(last).toMatchObject({ ...info, presence: false, draining: false });
});

test('their ids are one call, and so is how many are alive', async () => {
  const registered = await callsOf(() => store.fleet.registered());
  expect(registered.calls).toBe(1);
  expect([...registered.answer].sort()).toEqual([...ids].sort());
  expect(await callsOf(() => store.fleet.alive())).toEqual({ calls: 1, answer: count });
});

/** A worker that holds runs, each with some steps behind its claim. */
async function holdRuns(worker: string, runs: number): Promise<void> {
  for (let i = 0; i < runs; i++) {
    const { ownership } = await held(store, { claim: { worker } });
    const step = { type: 'step.completed', data: new Uint8Array(200) };
    await committed(store, ownership, { events: [step, step, step] });
  }
}

/** Looks from the beginning until all have been looked at; `meanwhile` is called after each look. */
async function lookAtAll(meanwhile: (look: number) => Promise<unknown> = () => Promise.resolve()) {
  const lost = new Set<string>();
  const asks: number[] = [];
  let from = '0';
  do {
    await redis.config('RESETSTAT');
    const look = await store.fleet.elect('worker-0', longMs, { from, again: [] });
    const stats = await redis.info('commandstats');
    asks.push(Number(/cmdstat_pubsub\|shardnumsub:calls=(\d+)/.exec(stats)?.[1] ?? 0));
    if (!look.leader) throw new Error('somebody else is elected');
    for (const { worker } of look.lost) lost.add(worker);
    from = look.next;
    await meanwhile(asks.length);
  } while (from !== '0');
  return { lost: [...lost].sort(), asks };
}

test('no look is at all of very many, and who is gone is in one of them whoever comes and goes', async () => {
  const subscriber = new Redis(server.url);
  const live = (id: string): string => `{pawl}:live:${id}`;
  const appear = async (some: readonly string[]): Promise<void> => {
    await subscriber.ssubscribe(...some.map(live));
    await Promise.all(some.map((id) => store.fleet.beat(workerInfo(id), longMs)));
  };
  await appear(ids);
  expect((await lookAtAll()).lost).toEqual([]);
  const dead = ['worker-1', 'worker-500', 'worker-999'];
  await subscriber.sunsubscribe(...dead.map(live));
  const others = ids.filter((id) => !dead.includes(id));
  const { lost, asks } = await lookAtAll(async (look) => {
    const some = others.slice(look * 40, look * 40 + 40);
    await Promise.all(some.map((id) => store.fleet.deregister(id)));
    await appear(Array.from({ length: 100 }, (_, i) => `later-${look}-${i}`));
  });
  expect(lost).toEqual(dead);
  expect(asks.length).toBeGreaterThan(2);
  // One that holds the lock is looked at as well. COUNT is a hint.
  expect(Math.max(...asks)).toBeLessThan(500);
  // Suspects are looked at wherever the look is.
  const again = { from: '0', again: ['worker-999', 'worker-2'] };
  const look = await store.fleet.elect('worker-0', longMs, again);
  expect(look.leader && look.lost.map(({ worker }) => worker)).toContain('worker-999');
  subscriber.disconnect();
});

test.runIf(asked !== undefined)('what it costs', { timeout: 120_000 }, async () => {
  await holdRuns('worker-0', 50);
  const ways = {
    workers: () => store.fleet.workers(),
    registered: () => store.fleet.registered(),
    alive: () => store.fleet.alive(),
    'unproven, of 50 held runs': () => store.fleet.unproven('worker-0'),
    elect: () => store.fleet.elect('worker-0', 500),
  };
  const times = 30;
  for (const [name, ask] of Object.entries(ways)) {
    await ask();
    await redis.config('RESETSTAT');
    const cpu = process.cpuUsage();
    const lag = monitorEventLoopDelay({ resolution: 1 });
    lag.enable();
    for (let i = 0; i < times; i++) await ask();
    lag.disable();
    const { user, system } = process.cpuUsage(cpu);
    const stats = await redis.info('commandstats');
    const micros = [...stats.matchAll(/cmdstat_(\w+):calls=\d+,usec=(\d+)/g)]
      .filter(([, call]) => /^evalsha|^eval|^zrange$/.test(call ?? ''))
      // What a look does inside of its script is in its time already.
      .filter(([, call]) => call !== 'zrange' || /workers|registered/.test(name))
      .reduce((sum, [, , usec]) => sum + Number(usec), 0);
    process.stderr.write(
      `${name}: ${Math.round(micros / times)} µs of Redis, ${((user + system) / 1000 / times).toFixed(2)} ms of the client, ` +
        `event loop held up ${(lag.max / 1e6).toFixed(1)} ms at most\n`,
    );
  }
});
