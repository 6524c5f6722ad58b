/**
 * Holds the Redis in this process to a real one: random plays over the whole run-store contract, made through the shipped
 * scripts and the shipped store on both, must get the same answers and leave the same keys behind.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { ClockedRedis } from '../support/fuzz/clocked-redis.ts';
import { type Move, plays } from '../support/fuzz/moves.ts';
import { play } from '../support/fuzz/play.ts';
import { formatNumber } from './redis/fengari.ts';
import { SimulatedClient } from './redis/simulated-client.ts';
import { SimulatedRedis } from './redis/simulated-redis.ts';
import type { Value } from './redis/values.ts';

const startedAt = 1_900_000_000_000;
const runs = Number(process.env['PAWL_FUZZ_RUNS'] ?? 250);
const seed = Number(process.env['PAWL_FUZZ_SEED'] ?? 20_251_122);

/** The real server, and the store on it. */
interface Real {
  readonly server: RedisServer;
  readonly redis: ClockedRedis;
  readonly store: RedisRunStore;
}

let opened: Real | undefined;

beforeAll(async () => {
  const server = await startRedisServer({ config: { appendonly: 'no' } });
  const redis = new ClockedRedis(server.url);
  opened = { server, redis, store: await RedisRunStore.open({ redis, shards: 1 }) };
});

afterAll(async () => {
  await opened?.store.close();
  opened?.redis.disconnect();
  await opened?.server.stop();
});

function there(): Real {
  if (opened === undefined) throw new Error('there is no server');
  return opened;
}

/** Ids of messages and of recoveries hold the server's own time. */
const hasOwnIds = (key: string): boolean => /:inbox:|:recoveries$/.test(key);

/** Which of a worker's runs is taken first is a matter of chance. */
function inAnyOrder(key: string, entries: readonly unknown[]): readonly unknown[] {
  if (!key.endsWith(':recoveries')) return entries;
  return entries.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** A key of the test's own is only on the real server. */
/** What a run notes of such an id. */
const ownFields: ReadonlySet<string> = new Set(['cancelEntry']);

const isComparable = (key: string): boolean => !key.startsWith('test:') && !key.endsWith(':config');

async function keysOf(client: ClockedRedis): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const key of (await client.keys('*')).filter(isComparable)) {
    found[key] = await valueOf(client, key);
  }
  return found;
}

async function valueOf(client: ClockedRedis, key: string): Promise<unknown> {
  switch (await client.type(key)) {
    case 'hash': {
      const hash = await client.hgetallBuffer(key);
      return withoutOwnIds(
        Object.entries(hash).map(([name, value]) => [name, value.toString('latin1')]),
      );
    }
    case 'set':
      return new Set(await client.smembers(key));
    case 'zset':
      return (await client.zrange(key, '0', '-1', 'WITHSCORES')).flat().map(String);
    case 'stream': {
      const entries = await client.xrangeBuffer(key, '-', '+');
      return inAnyOrder(
        key,
        entries.map(([id, fields]) => [
          hasOwnIds(key) ? '' : String(id),
          fields.map((field) => field.toString('latin1')),
        ]),
      );
    }
    default:
      return client.get(key);
  }
}

function withoutOwnIds(hash: readonly (readonly [string, string])[]): ReadonlyMap<string, string> {
  return new Map(hash.map(([name, value]) => [name, ownFields.has(name) ? '' : value]));
}

function simulatedKeys(simulated: SimulatedRedis): Record<string, unknown> {
  const values = [...simulated.keys.values].filter(([key]) => isComparable(key));
  return Object.fromEntries(values.map(([key, value]) => [key, simulatedValue(key, value)]));
}

function simulatedValue(key: string, value: Value): unknown {
  switch (value.type) {
    case 'hash':
      return withoutOwnIds(
        [...value.hash].map(([n, v]) => [Buffer.from(n, 'latin1').toString(), v] as const),
      );
    case 'set':
      return value.set;
    case 'zset':
      return value.zset.sorted().flat().map(String);
    case 'stream':
      return inAnyOrder(
        key,
        value.stream.entries.map(({ major, minor, fields }) => [
          hasOwnIds(key) ? '' : `${major}-${minor}`,
          fields,
        ]),
      );
    case 'string':
      return value.text;
  }
}

async function playAnew(moves: readonly Move[]): Promise<void> {
  const { redis, store: real } = there();
  await redis.flushall();
  let now = startedAt;
  const advance = async (ms: number): Promise<void> => {
    now += ms;
    await redis.setClock(now);
  };
  await advance(0);
  const simulated = new SimulatedRedis({ micros: () => now * 1000, random: () => 0.5 });
  const store = await RedisRunStore.open({ redis: new SimulatedClient(simulated), shards: 1 });
  expect(await play({ reference: real, other: store, advance }, moves)).toBeUndefined();
  expect(simulatedKeys(simulated)).toEqual(await keysOf(redis));
}

describe('the Redis of the simulation', () => {
  test(
    'answers the store’s calls as a real one, and holds the same keys after them',
    { timeout: 60_000 + runs * 100 },
    async () => {
      await fc.assert(fc.asyncProperty(plays, playAnew), { numRuns: runs, seed });
    },
  );

  test('counts and prints as the Lua of Redis does', async () => {
    const { redis } = there();
    const simulated = new SimulatedRedis({ micros: () => 0, random: () => 0 });
    const expressions = [
      '1',
      '-0.5',
      '1e15',
      '123456789012346',
      '99999999999999',
      '1/3',
      '1e-5',
      '2^53',
      '0.1+0.2',
      "'1900000000' * 1000000 + '123456'",
      "'7' + 1",
      "#'abc' / 2",
      "10 / '5'",
      '7 % 3',
      'math.floor(1900000000123 / 1000)',
      "math.floor('7.9')",
      "math.max(1, '12', 2.5)",
      "math.min('3', 20)",
      "'' .. 1e15 .. ' ' .. 123456789012346",
      'string.sub(7 + 1000000, 2, 4)',
      "1 .. '-' .. 2",
      "string.format('%.0f', '1900000000000000' + 1)",
      "string.format('%d', '3')",
      "string.format('%s', 12)",
      "tostring('10' == 10)",
      "tonumber('0x10')",
      "cjson.encode('a/b\"\\\\\\n\\t\\1\\127ä')",
      "tostring(tonumber(''))",
      "tonumber(' 5 ')",
    ];
    for (const expression of expressions) {
      const source = `return '' .. (${expression})`;
      const expected = String(await redis.eval(source, 0));
      const found = Buffer.from(String(simulated.run(source, [], [])), 'latin1').toString();
      expect(found, expression).toBe(expected);
    }
  });

  test('numbers print as by %.14g', () => {
    expect([1e14, 123.456, 1e-5, -1e20, 0.1 + 0.2, 1e13].map(formatNumber)).toEqual([
      '1e+14',
      '123.456',
      '1e-05',
      '-1e+20',
      '0.3',
      '10000000000000',
    ]);
  });
});
