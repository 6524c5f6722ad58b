// Goal: a state that is saved as a whole is one value in Redis, whoever reads it, and damage to that value is told from
// data. Method: a private server; its keys are looked at, and one of them is damaged.
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { z } from 'zod';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { bytes, commit, event, held } from '../../src/testing/run-store/opened.ts';
import { linesOf } from '../support/moving.ts';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis(server.url);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const width = 10;

/** All fields with one value. */
function wide(value: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: width }, (_, i) => [`k${i}`, value]));
}

/** Keeps checkpoints of saves of all, of one, and of all fields again. */
const widening = defineWorkflow({
  name: 'widening',
  input: z.object({}),
  state: z.record(z.string(), z.number()).default({}),
  async run(ctx) {
    await ctx.set(wide(1));
    await ctx.checkpoint({ label: 'all' });
    await ctx.set({ k3: 2 });
    await ctx.checkpoint({ label: 'one' });
    await ctx.set(wide(3));
    await ctx.checkpoint({ label: 'all again' });
    return 'wide';
  },
});

test('a run with full saves is recalled, forked, exported and imported as it was', async () => {
  await using pawl = await Pawl.open({ redis: server.url, prefix: 'wide' });
  pawl.worker({ workflows: [widening] });
  const run = await pawl.start(widening, {}, { id: 'r' });
  expect(await run.result({ timeoutMs: 10_000 })).toBe('wide');
  const fields = await redis.hkeys('{wide:0}:snapshot:r');
  expect(fields.toSorted()).toEqual(['at', 'count', 'packed', 'schema', 'seq', 'version']);

  const expected = [wide(3), { ...wide(1), k3: 2 }, wide(1)];
  const statesOf = async (of: Pawl): Promise<unknown[]> => {
    const kept = await of.run(widening, 'r').checkpoints();
    return Promise.all(kept.map(({ id }) => of.run(widening, 'r').checkpoint(id)));
  };
  expect(await statesOf(pawl)).toEqual(expected);
  expect(await run.state()).toEqual(wide(3));

  const fork = await pawl.fork(widening, 'r', { checkpoint: '2-0' }, { id: 'fork' });
  expect(await fork.result({ timeoutMs: 10_000 })).toBe('wide');
  expect(await fork.state()).toEqual(wide(3));

  const lines = await linesOf(pawl.export('r'));
  await using target = await Pawl.open({ redis: server.url, prefix: 'to', shards: 4 });
  await target.import(lines);
  expect(await statesOf(target)).toEqual(expected);
  expect(await linesOf(target.export('r'))).toEqual(lines);
});

test('a damaged whole is told with its key, and nothing is written over it', async () => {
  const store = await RedisRunStore.open({ redis: server.url, prefix: 'hurt' });
  const { id, ownership } = await held(store);
  const key = `{hurt:0}:snapshot:${id}`;
  const set = new Map([['state:a', bytes('1')]]);
  await store.commit(commit(ownership, { snapshot: { schema: 1, set, remove: [], full: true } }));
  const sound = (await redis.hgetBuffer(key, 'packed')) ?? Buffer.alloc(0);
  const damaged = [
    Buffer.alloc(0),
    sound.subarray(0, -1),
    Buffer.concat([sound, Buffer.alloc(1)]),
    Buffer.from('ffffffff00', 'hex'),
    Buffer.from('00000001ffffffff', 'hex'),
  ];
  for (const whole of damaged) {
    await redis.hset(key, 'packed', whole);
    const before = await contents();
    const problem = { code: 'PAWL_CORRUPT', key };
    await expect(store.load(id)).rejects.toMatchObject(problem);
    const events = [event('late')];
    const partial = commit(ownership, { events, snapshot: { schema: 1, set, remove: [] } });
    await expect(store.commit(partial)).rejects.toMatchObject(problem);
    expect(await contents()).toEqual(before);
  }
  await redis.hset(key, 'packed', sound);
  expect((await store.load(id))?.snapshot?.fields.size).toBe(1);
  await store.close();
});

/** Every key of the damaged run's prefix, as Redis would carry it away. */
async function contents(): Promise<unknown> {
  const keys = (await redis.keys('{hurt:0}:*')).toSorted();
  return Promise.all(
    keys.map(async (key) => [key, (await redis.dumpBuffer(key))?.toString('hex')]),
  );
}
