// Goal: any combination of conditions finds what a filter of all runs finds, at a cost that does not grow with the number of
// runs. Method: thousands of runs on a private server against a plain filter; Redis' own count of what a page costs.
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, Pawl, type RunStatus } from 'pawl';
import type { RunQuery } from '../../src/core/run-query.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { created } from '../../src/testing/run-store/opened.ts';
import { type Copied, copyRuns, worker } from '../support/many-runs.ts';

let server: RedisServer;
let redis: Redis;
const firstAt = 1_700_000_000_000;

beforeAll(async () => {
  server = await startRedisServer({ config: { appendonly: 'no' } });
  redis = new Redis(server.url);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function open(prefix: string, shards: number): Promise<RedisRunStore> {
  return RedisRunStore.open({ redis: server.url, prefix, shards });
}

/** Of a long list, so much is read. */
const enough = 300;

/** The first pages, and whether that was all. */
async function search(
  store: RedisRunStore,
  query: RunQuery,
  limit: number,
): Promise<{ ids: string[]; isAll: boolean }> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.lists.runs({
      ...query,
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    ids.push(...page.runs.map(({ id }) => id));
    ({ cursor } = page);
  } while (cursor !== undefined && ids.length < enough);
  return { ids, isAll: cursor === undefined };
}

function plainFilter(all: readonly Copied[], query: RunQuery): string[] {
  const statuses = query.status === undefined ? undefined : [query.status].flat();
  return all
    .filter(({ status }) => statuses?.includes(status) ?? true)
    .filter(({ workflow }) => (query.workflow ?? workflow) === workflow)
    .filter(({ tenant }) => (query.tag ?? `tenant=${tenant}`) === `tenant=${tenant}`)
    .filter(
      ({ status }) =>
        query.worker === undefined || (status === 'running' && query.worker === worker),
    )
    .filter(({ id }) => id.startsWith(query.idPrefix ?? ''))
    .filter(
      ({ createdAt }) => createdAt >= (query.since ?? 0) && createdAt < (query.until ?? Infinity),
    )
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id);
}

const size = 8000;
const time = fc.integer({ min: firstAt - 5, max: firstAt + Math.ceil(size / 3) + 5 });
const status = fc.constantFrom('completed', 'failed', 'queued', 'running', 'waiting');

/** Conditions of all kinds, three at most: more find nothing. */
const conditions = fc.record({
  status: fc.oneof(status, fc.array(status, { minLength: 1, maxLength: 3 })),
  workflow: fc.constantFrom('w0', 'w3', 'w7', 'none'),
  tag: fc.constantFrom('tenant=odd', 'tenant=t96', 'tenant=none'),
  worker: fc.constantFrom(worker, 'nobody'),
  idPrefix: fc.constantFrom('order-', 'order-0', 'order-12', 'order-007-', 'order-007-1', 'x'),
  since: time,
  until: time,
});
const conditionNames = [
  ...(['status', 'workflow', 'tag', 'worker', 'idPrefix', 'since', 'until'] as const),
] as const;
const queries = fc
  .tuple(conditions, fc.subarray([...conditionNames], { maxLength: 3 }))
  .map(([all, some]): RunQuery => Object.fromEntries(some.map((name) => [name, all[name]])));

describe.each([1, 4])('thousands of runs in %i shards', (shards) => {
  const prefix = `many${shards}`;
  let store: RedisRunStore;
  let all: Copied[];

  beforeAll(async () => {
    store = await open(prefix, shards);
    all = await copyRuns({ store, redis, prefix, shards }, { from: 0, until: size, firstAt });
  });

  afterAll(() => store.close());

  const check = async (query: RunQuery, limit: number): Promise<void> => {
    const { ids, isAll } = await search(store, query, limit);
    const expected = plainFilter(all, query);
    expect(ids).toEqual(isAll ? expected : expected.slice(0, ids.length));
  };

  test('any query finds what a filter of all runs finds', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(queries, fc.constantFrom(7, 50, 150), async (query, limit) => {
        found += plainFilter(all, query).length > 0 ? 1 : 0;
        await check(query, limit);
      }),
      {
        numRuns: 80,
        seed: 5,
        // Few runs of two large indexes, and runs of several.
        examples: [
          [{ workflow: 'w0', tag: 'tenant=odd' }, 150],
          [{ workflow: 'w0', tag: 'tenant=odd' }, 7],
          [{ status: ['failed', 'queued'] }, 7],
          [{ status: ['failed', 'queued'], idPrefix: 'order-1' }, 50],
          [{ status: ['failed', 'queued', 'running'] }, 150],
        ],
      },
    );
    expect(found).toBeGreaterThan(40);
  });

  test('conditions that exclude each other give pages with a cursor, and then the end', async () => {
    const none = { workflow: 'w0', status: 'failed', tag: 'tenant=t2' } as const;
    expect((await search(store, none, 50)).ids).toEqual([]);
  });
});

test('a prefix of an older pawl, without the index of ids, is searched all the same, and mended', async () => {
  const store = await open('old', 1);
  const copied = await copyRuns(
    { store, redis, prefix: 'old', shards: 1 },
    { from: 0, until: 700, firstAt },
  );
  // Older pawls knew no index of ids, and had by-status in the order of the last change.
  await redis.unlink('{old:0}:ids');
  for (const { id, createdAt } of copied.filter((run) => run.status === 'failed')) {
    await redis.zadd(
      '{old:0}:by-status:failed',
      String(createdAt + ((createdAt * 7919) % 1000)),
      id,
    );
  }
  const check = async (): Promise<void> => {
    for (const query of [{ status: 'failed' }, { idPrefix: 'order-12' }, { worker }] as const) {
      for (const limit of [2, 500]) {
        const { ids } = await search(store, query, limit);
        expect(ids, JSON.stringify(query)).toEqual(plainFilter(copied, query));
      }
    }
  };
  await check();
  for (const { id } of copied) expect(await store.reindex(id)).toBe(true);
  expect(await redis.zcard('{old:0}:ids')).toBe(700);
  const scores = await redis.zrange('{old:0}:by-status:failed', '0', '-1', 'WITHSCORES');
  expect(scores.filter((_, i) => i % 2 === 1)).toEqual(
    scores
      .filter((_, i) => i % 2 === 0)
      .map((id) => String(copied.find((run) => run.id === id)?.createdAt)),
  );
  await check();
  await store.close();
});

test('a run that is in none of its indexes, and in wrong ones, is put right', async () => {
  const store = await open('torn', 1);
  const firstRuns = { from: 0, until: 40, firstAt };
  const copied = await copyRuns({ store, redis, prefix: 'torn', shards: 1 }, firstRuns);
  const unmanaged = await created(store, { unmanaged: true });
  const base = '{torn:0}:';
  const indexes = async (): Promise<Record<string, string[]>> => {
    const all: Record<string, string[]> = {};
    for (const key of (await redis.keys(`${base}*`)).sort()) {
      const name = key.slice(base.length);
      // When a run is due is not known any more, only that it is.
      if (name === 'due') all[name] = (await redis.zrange(key, '0', '-1')).sort();
      else if (/^(runs|ids|unmanaged|by-.*)$/.test(name))
        all[name] = (await redis.zrange(key, '0', '-1', 'WITHSCORES')).flat();
      else if (name.startsWith('held')) all[name] = (await redis.smembers(key)).sort();
    }
    return all;
  };
  const ids = [...copied.map(({ id }) => id), unmanaged];
  // Copies are not due, as real ones are.
  for (const id of ids) await store.reindex(id);
  const sound = await indexes();
  expect(sound['due']?.length).toBe(39);
  expect(await Promise.all(ids.map((id) => store.reindex(id)))).not.toContain(false);
  expect(await indexes()).toEqual(sound);
  for (const key of Object.keys(sound)) {
    if (key.startsWith('held')) await redis.srem(base + key, ...ids);
    else await redis.zrem(base + key, ...ids);
  }
  for (const id of ids) await redis.zadd(`${base}by-status:cancelled`, '7', id);
  for (const id of ids) await store.reindex(id);
  expect(await indexes()).toEqual(sound);
  await redis.zadd(`${base}runs`, '7', 'nobody');
  expect(await store.reindex('nobody')).toBe(false);
  expect(await indexes()).toEqual(sound);
  await store.close();
});

interface Cost {
  /** Microseconds Redis spent. */
  readonly usec: number;
  /** Milliseconds, as the caller waited. */
  readonly ms: number;
  /** Calls of the script in a shard. */
  readonly rounds: number;
  readonly found: number;
}

/** What a page costs, by Redis' own count: the least of some calls, which is the one that was not disturbed. */
async function costOf(store: RedisRunStore, query: RunQuery, cursor?: string): Promise<Cost> {
  const params = { ...query, limit: 50, ...(cursor === undefined ? {} : { cursor }) };
  const costs: Cost[] = [];
  for (let i = 0; i < 5; i++) {
    await redis.config('RESETSTAT');
    const begun = performance.now();
    const { runs } = await store.lists.runs(params);
    const ms = performance.now() - begun;
    const stats = await redis.info('commandstats');
    // What the script calls inside of itself is part of its own time.
    const outer = [
      ...stats.matchAll(/cmdstat_(?:evalsha|hgetall|hmget|hexists):calls=\d+,usec=(\d+)/g),
    ];
    const rounds = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]);
    costs.push({
      usec: outer.reduce((sum, [, one]) => sum + Number(one), 0),
      rounds,
      ms,
      found: runs.length,
    });
  }
  const least = (of: (cost: Cost) => number): number => Math.min(...costs.map(of));
  return {
    usec: least(({ usec }) => usec),
    ms: least(({ ms }) => ms),
    rounds: least(({ rounds }) => rounds),
    found: least(({ found }) => found),
  };
}

const day = { since: firstAt + 100, until: firstAt + 300 };
const costly: Readonly<Record<string, RunQuery>> = {
  'all runs': {},
  'status failed': { status: 'failed' },
  'two statuses': { status: ['failed', 'running'] },
  'status, workflow': { status: 'failed', workflow: 'w3' },
  'status, tag': { status: 'completed', tag: 'tenant=odd' },
  'status, workflow, tag, time': { status: 'completed', workflow: 'w2', tag: 'tenant=odd', ...day },
  'a rare prefix': { idPrefix: 'order-123-' },
  'a common prefix': { idPrefix: 'order-' },
  'a common prefix, status': { idPrefix: 'order-', status: 'failed' },
  'a prefix of one in ten': { idPrefix: 'order-1', workflow: 'w1' },
  'a worker': { worker },
  'a range of time': day,
  'a moment': { since: firstAt + 200, until: firstAt + 203 },
  'the runs of a tag that no run has': { status: 'completed', tag: 'tenant=none' },
  'nothing of two large indexes': { status: 'failed', workflow: 'w0' },
  'few of two larger ones': { workflow: 'w0', tag: 'tenant=odd' },
};

test('a page costs the same of 1,000 runs and of 100,000', async () => {
  const [store, prefix] = [await open('large', 1), 'large'];
  const costs = new Map<string, Cost[]>();
  let made = 0;
  for (const until of [1_000, 100_000]) {
    await copyRuns({ store, redis, prefix, shards: 1 }, { from: made, until, firstAt });
    made = until;
    for (const [name, query] of Object.entries(costly)) {
      costs.set(name, [...(costs.get(name) ?? []), await costOf(store, query)]);
    }
    const middle = `${firstAt + Math.floor(until / 6)}:order-500-1`;
    const deep = await costOf(store, { status: 'completed' }, middle);
    costs.set('a page in the middle', [...(costs.get('a page in the middle') ?? []), deep]);
  }
  await store.close();
  for (const [name, [small, large]] of costs) {
    if (small === undefined || large === undefined) throw new Error('both were measured');
    const text = [small, large].map(
      ({ usec, ms, found }) => `${usec} µs in Redis, ${ms.toFixed(1)} ms, ${found} runs`,
    );
    process.stdout.write(`${name}: ${text.join(' → ')}\n`);
    // One look or two are enough, unless large indexes have little in common: then there are some, each a short one.
    const [min, max] = /^(few|nothing) of/.test(name) ? [3, 10] : [1, 2];
    expect(large.rounds, name).toBeGreaterThanOrEqual(min);
    expect(large.rounds, name).toBeLessThanOrEqual(max);
    expect(large.usec, name).toBeLessThan(20_000);
  }
});

const parcel = defineWorkflow({
  name: 'parcel',
  state: z.object({ n: z.number().default(0) }),
  signals: { sent: z.number(), note: z.string() },
  async run(ctx) {
    await ctx.step('weigh', () => 1);
    await ctx.set({ n: 1 });
    await ctx.checkpoint({ label: 'weighed' });
    return ctx.waitFor('sent', { timeout: '1h' });
  },
});

test('nothing is left in Redis of runs that were deleted in bulk, but who deleted them', async () => {
  const prefix = 'gone';
  await using pawl = await Pawl.open({ redis: server.url, prefix, shards: 4 });
  const ids = Array.from({ length: 24 }, (_, i) => `parcel-${i}`);
  const options = { tags: { of: 'kim' } };
  await Promise.all(ids.map((id) => pawl.start(parcel, undefined, { id, ...options })));
  const closing = pawl.worker({ workflows: [parcel] });
  const count = async (wanted: RunStatus): Promise<number> =>
    (await pawl.list({ status: wanted })).runs.length;
  await expect.poll(() => count('waiting'), { timeout: 10_000 }).toBe(24);
  // All kinds of ends and beginnings: completed, cancelled, paused, waiting, with a message nobody has read.
  for (const id of ids.slice(0, 8)) await pawl.run(parcel, id).signal('sent', 1);
  await expect.poll(() => count('completed'), { timeout: 10_000 }).toBe(8);
  await closing.close();
  for (const id of ids.slice(8, 12)) await pawl.run(parcel, id).signal('note', 'unread');
  const query = { tag: { key: 'of', value: 'kim' } };
  expect(await pawl.bulk('cancel', { ...query, idPrefix: 'parcel-9' })).toMatchObject({ done: 1 });
  expect(await pawl.bulk('pause', query)).toMatchObject({ done: 16 });
  expect(await traces(prefix, ids)).not.toEqual([]);
  const why = { actor: 'kim', reason: 'a test' };
  expect(await pawl.bulk('delete', query, why)).toMatchObject({ matched: 24, done: 24 });
  expect(await traces(prefix, ids)).toEqual([]);
  const { deletions } = await pawl.deletions();
  expect(new Set(deletions.map(({ run }) => run))).toEqual(new Set(ids));
  expect(deletions[0]).toMatchObject({ workflow: 'parcel', ...why });
  expect(await pawl.bulk('delete', query, why)).toMatchObject({ matched: 0 });
});

/** Every key and every member of a key that names one of the runs; wake-ups that nobody took are not the run's. */
async function traces(prefix: string, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const isNaming = (text: string): boolean => ids.some((id) => text.split(/[:,\s]/).includes(id));
  for (const key of await redis.keys(`{${prefix}*`)) {
    if (/:bull:|:deleted$/.test(key)) continue;
    if (isNaming(key)) found.push(key);
    const type = await redis.type(key);
    const members =
      type === 'zset'
        ? await redis.zrange(key, '0', '-1')
        : type === 'set'
          ? await redis.smembers(key)
          : [];
    found.push(...members.filter(isNaming).map((member) => `${key} ${member}`));
  }
  return found;
}
