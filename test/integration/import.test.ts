// Goal: runs move from one Redis to another with everything they had, whole or not at all. Method: private servers with one
// shard and with four, with and without encryption; all keys of the target are looked at.
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenOptions, Pawl } from 'pawl';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { compactedBytes, linesOf, moved, reading, readSome } from '../support/moving.ts';

let server: RedisServer;
let redis: Redis;
let source: Pawl;

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis(server.url);
  source = await Pawl.open({ redis: server.url, prefix: 'source' });
  await readSome(source);
});

afterAll(async () => {
  await source.close();
  redis.disconnect();
  await server.stop();
});

const targets: readonly [name: string, options: Omit<OpenOptions, 'redis' | 'prefix'>][] = [
  ['one shard', {}],
  ['four shards', { shards: 4 }],
  ['encryption with another key', { encryption: { keys: { k1: randomBytes(32) }, current: 'k1' } }],
];

test.each(targets)(
  'into a pawl with %s all comes in, and the same comes out',
  async (name, options) => {
    const prefix = `to-${name.replaceAll(' ', '-')}`;
    await using target = await Pawl.open({ redis: server.url, prefix, ...options });
    const lines = await linesOf(source.export());
    expect(await target.import(lines)).toMatchObject({ runs: 4, skipped: 0 });
    expect(await linesOf(target.export())).toEqual(lines);
    for (const id of ['ended', 'waiting']) {
      const states = await Promise.all(
        [source, target].map(async (pawl) => {
          const run = pawl.run(reading, id);
          const kept = await run.checkpoints();
          return Promise.all(kept.map((one) => run.checkpoint(one.id)));
        }),
      );
      expect(states[1]).toEqual(states[0]);
      expect(states[0]).toHaveLength(2);
    }

    // What had not ended goes on here, under a higher fence.
    const { fence } = await target.run('waiting').info();
    target.worker({ workflows: moved });
    await target.run(reading, 'queued').signal('go', { by: 'lou' });
    const ended = await Promise.all(
      ['waiting', 'queued'].map((id) => target.run(reading, id).result({ timeoutMs: 10_000 })),
    );
    expect(ended.map(({ by }) => by)).toEqual(['kim', 'lou']);
    expect((await target.run('waiting').info()).fence).toBeGreaterThan(fence);
    expect(await redis.keys(`*${prefix}*stage:*`)).toEqual([]);
  },
);

test('a run that takes more room here than it was counted at never counts less than nothing', async () => {
  const longest = 'k'.repeat(32);
  const encryption = { keys: { [longest]: randomBytes(32) }, current: longest };
  await using target = await Pawl.open({ redis: server.url, prefix: 'sealed', encryption });
  await target.import(await linesOf(source.export()));
  for (const id of ['ended', 'waiting']) expect(await compactedBytes(target, id)).toBe(0);
  // Such a run can be moved on.
  await using next = await Pawl.open({ redis: server.url, prefix: 'next' });
  expect(await next.import(await linesOf(target.export()))).toMatchObject({ runs: 4 });
});

test('a run that is there is refused or passed over; nothing is left of what was put aside', async () => {
  await using target = await Pawl.open({ redis: server.url, prefix: 'twice' });
  const lines = await linesOf(source.export('ended'));
  await target.import(lines);
  const before = await linesOf(target.export('ended'));
  await expect(target.import(lines)).rejects.toMatchObject({ code: 'PAWL_RUN_EXISTS' });
  expect(await target.import(lines, { ifExists: 'skip' })).toMatchObject({ runs: 0, skipped: 1 });
  expect(await linesOf(target.export('ended'))).toEqual(before);
  expect(await redis.keys('*twice*stage:*')).toEqual([]);
});

test('whatever is wrong with a run: a typed error, no run and no key', async () => {
  await using target = await Pawl.open({ redis: server.url, prefix: 'wrong' });
  const text = (await linesOf(source.export('ended'))).join('\n');
  // Behind the end of the run it is in, whatever follows.
  const end = text.lastIndexOf('{"kind":"complete"') - 1;
  let seed = 11;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  let refused = 0;
  for (let i = 0; i < 150; i++) {
    const from = random(end);
    const broken =
      text.slice(0, from) + 'x"{,7'.slice(0, random(5)) + text.slice(from + random(40) + 1);
    const told = await target.import(broken.split('\n')).then(
      () => 'imported',
      (error: unknown) => (error as { code?: string }).code,
    );
    // Empty lines may come and go.
    if (told === 'imported') await target.delete('ended');
    else expect(told, broken.slice(from - 30, from + 30)).toBe('PAWL_INVALID');
    refused += told === 'imported' ? 0 : 1;
    expect(await redis.keys('*wrong*ended*'), broken.slice(from - 30, from + 30)).toEqual([]);
    expect(await redis.keys('*wrong*stage:*')).toEqual([]);
  }
  expect(refused).toBeGreaterThan(140);
});

test('an import that is cut off leaves nothing that anybody sees, and is begun anew', async () => {
  await using target = await Pawl.open({ redis: server.url, prefix: 'cut' });
  const lines = await linesOf(source.export('ended'));
  const breaking = function* (): Generator<string> {
    yield* lines.slice(0, 8);
    throw new Error('the disk is gone');
  };
  await expect(target.import(breaking())).rejects.toThrow('the disk is gone');
  expect((await target.list()).runs).toEqual([]);
  expect(await redis.keys('*cut*stage:*')).toEqual([]);
  expect(await target.import(lines)).toMatchObject({ runs: 1 });
});
