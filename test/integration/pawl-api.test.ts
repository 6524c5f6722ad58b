// Goal: bad input and bad servers give one clear error each, and leave nothing behind. Method: real Redis, a prefix of its
// own for each test, and a look at the keys.
import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, Pawl } from 'pawl';
import type { Logger, PawlError } from 'pawl';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { ticks } from '../support/workflows.ts';
import { allEvents, newPrefix, openPawl } from '../support/workers.ts';

const servers: RedisServer[] = [];

async function startServer(config: Readonly<Record<string, string>>): Promise<RedisServer> {
  const server = await startRedisServer({ config });
  servers.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** Runs `use` with a plain client. */
async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

async function keysOf(url: string, prefix: string): Promise<string[]> {
  return withRedis(url, async (redis) => (await redis.keys(`{${prefix}*`)).sort());
}

const anything = defineWorkflow({ name: 'anything', input: z.unknown(), run: () => 'done' });

describe('start refuses, and writes nothing', () => {
  test.each([
    ['an empty id', { id: '' }, 'run id'],
    ['an id of 10,000 characters', { id: 'x'.repeat(10_000) }, 'run id'],
    ['the id *', { id: '*' }, 'run id'],
    ['the id {}', { id: '{}' }, 'run id'],
    ['an id with a newline', { id: 'a\nb' }, 'run id'],
    ['an id with NUL', { id: 'a\0b' }, 'run id'],
    ['a hostile tag', { tags: { a: '{x}' } }, 'tags.a'],
  ])('%s', async (_, options, field) => {
    const url = inject('redisUrl');
    const prefix = newPrefix();
    await using pawl = await openPawl(url, prefix);
    const before = await keysOf(url, prefix);
    await expect(pawl.start(anything, 1, options)).rejects.toMatchObject({
      code: 'PAWL_INVALID',
      field,
      outcome: 'not-applied',
    });
    expect(await keysOf(url, prefix)).toEqual(before);
  });

  test.each([
    ['input that does not fit', { count: 'many' }, 'PAWL_INVALID', { field: 'input.count' }],
    ['input with a function', { f: { g: () => 1 } }, 'PAWL_UNSTORABLE', { path: 'input.f.g' }],
    [
      'input that is too large',
      'x'.repeat(300_000),
      'PAWL_LIMIT',
      { limit: 262_144, actual: 300_006 },
    ],
  ])('%s', async (_, input, code, fields) => {
    const url = inject('redisUrl');
    const prefix = newPrefix();
    await using pawl = await openPawl(url, prefix);
    const before = await keysOf(url, prefix);
    const started =
      code === 'PAWL_INVALID' ? pawl.start(ticks, input as never) : pawl.start(anything, input);
    await expect(started).rejects.toMatchObject({ code, ...fields, outcome: 'not-applied' });
    expect(await keysOf(url, prefix)).toEqual(before);
  });
});

test('the same id with the same input is the same run; with another input or workflow it is refused', async () => {
  await using pawl = await openPawl(inject('redisUrl'), newPrefix());
  await pawl.start(anything, { a: 1, b: new Date(0) }, { id: 'one' });
  // The order of fields does not make another input.
  await pawl.start(anything, { b: new Date(0), a: 1 }, { id: 'one' });
  expect((await allOpenEvents(pawl, 'one')).map(({ type }) => type)).toEqual(['run.created']);
  for (const start of [
    pawl.start(anything, { a: 2 }, { id: 'one' }),
    pawl.start(ticks, { count: 1 }, { id: 'one' }),
  ]) {
    await expect(start).rejects.toMatchObject({
      code: 'PAWL_RUN_EXISTS',
      run: 'one',
      outcome: 'not-applied',
    });
  }
});

async function allOpenEvents(pawl: Pawl, id: string): Promise<{ type: string }[]> {
  const events: { type: string }[] = [];
  const { seq } = await pawl.run(id).info();
  for await (const event of pawl.run(id).events()) {
    events.push(event);
    if (event.seq === seq) break;
  }
  return events;
}

test('a run that does not exist says so', async () => {
  await using pawl = await openPawl(inject('redisUrl'), newPrefix());
  await expect(pawl.run('nobody').result()).rejects.toMatchObject({
    code: 'PAWL_RUN_NOT_FOUND',
    run: 'nobody',
  });
  await expect(pawl.run('nobody').info()).rejects.toMatchObject({ code: 'PAWL_RUN_NOT_FOUND' });
  expect(await pawl.delete('nobody')).toBe(false);
});

describe('servers that could lose runs', () => {
  test('an eviction policy is refused with the command that fixes it, unless it is accepted', async () => {
    const { url } = await startServer({ 'maxmemory-policy': 'allkeys-lru' });
    await expect(Pawl.open({ redis: url })).rejects.toMatchObject({
      code: 'PAWL_REDIS_CONFIG',
      message: expect.stringContaining('redis-cli CONFIG SET maxmemory-policy noeviction'),
    });
    expect(await withRedis(url, (redis) => redis.dbsize())).toBe(0);
    await (await Pawl.open({ redis: url, allowEviction: true })).close();
  });

  test('a full Redis refuses a new run with a clear error, and takes it when there is room', async () => {
    const { url } = await startServer({});
    await using pawl = await Pawl.open({ redis: url });
    await withRedis(url, (redis) => redis.config('SET', 'maxmemory', '1'));
    await expect(pawl.start(anything, 1, { id: 'full' })).rejects.toMatchObject({
      code: 'PAWL_REDIS_FULL',
      outcome: 'not-applied',
      retryable: true,
    });
    // A worker that starts now waits for memory inside, and is not turned away at the entry.
    await using later = await Pawl.open({ redis: url });
    expect(await later.workers()).toEqual([]);
    await withRedis(url, (redis) => redis.config('SET', 'maxmemory', '0'));
    await pawl.start(anything, 1, { id: 'full' });
  });

  test('a wrong password is said as such', async () => {
    const { port } = await startServer({ requirepass: 'secret' });
    const redis = `redis://:wrong@127.0.0.1:${port}`;
    await expect(Pawl.open({ redis, connectMs: 500 })).rejects.toMatchObject({
      outcome: 'not-applied',
      message: expect.stringMatching(/WRONGPASS|NOAUTH|Authentication/),
    });
  });

  test('another number of shards is refused', async () => {
    const url = inject('redisUrl');
    const prefix = newPrefix();
    await (await Pawl.open({ redis: url, prefix, shards: 4 })).close();
    await expect(Pawl.open({ redis: url, prefix, shards: 8 })).rejects.toMatchObject({
      code: 'PAWL_SHARDS',
    });
    await using pawl = await Pawl.open({ redis: url, prefix });
    pawl.worker({ workflows: [ticks] });
    expect(await (await pawl.start(ticks, { count: 3 })).result()).toEqual({ sum: 3 });
  });
});

test('a call that found no answer says that its outcome is unknown, and may be repeated', async () => {
  const server = await startServer({});
  await using pawl = await Pawl.open({ redis: server.url, callMs: 300 });
  process.kill(server.pid, 'SIGSTOP');
  await expect(pawl.start(anything, 1, { id: 'once' })).rejects.toMatchObject({
    code: 'PAWL_UNAVAILABLE',
    outcome: 'unknown',
    retryable: true,
  });
  process.kill(server.pid, 'SIGCONT');
  const run = await pawl.start(anything, 1, { id: 'once' });
  expect((await run.info()).seq).toBe(1);
});

describe('corrupt data', () => {
  test('an entry that cannot be read is named by key and seq, and never skipped', async () => {
    const url = inject('redisUrl');
    const prefix = newPrefix();
    await using pawl = await openPawl(url, prefix);
    const run = await pawl.start(ticks, { count: 2 }, { id: 'broken' });
    await withRedis(url, async (redis) => {
      await redis.xadd(
        `{${prefix}:0}:events:broken`,
        '2-0',
        'type',
        'tick',
        'at',
        '1',
        'data',
        'rubbish',
      );
      await redis.hset(`{${prefix}:0}:run:broken`, 'seq', '2');
    });
    await expect(allEvents(run)).rejects.toMatchObject({ code: 'PAWL_CORRUPT', seq: 2 });

    // A worker sets the run aside as it is.
    pawl.worker({ workflows: [ticks] });
    await expect(run.result()).rejects.toMatchObject({
      code: 'PAWL_RUN_QUARANTINED',
      cause: { code: 'PAWL_CORRUPT' },
    });
    await withRedis(url, async (redis) => {
      const entry = await redis.xrange(`{${prefix}:0}:events:broken`, '2-0', '2-0');
      expect(entry[0]?.[1]).toContain('rubbish');
    });
  });

  test('a hole in the log sets the run aside', async () => {
    const url = inject('redisUrl');
    const prefix = newPrefix();
    await using pawl = await openPawl(url, prefix);
    const run = await pawl.start(ticks, { count: 2 }, { id: 'hole' });
    await withRedis(url, (redis) => redis.hset(`{${prefix}:0}:run:hole`, 'seq', '5'));
    pawl.worker({ workflows: [ticks] });
    await expect(run.result()).rejects.toMatchObject({
      cause: { message: expect.stringContaining('missing') },
    });
  });
});

test('a run of a workflow that nobody knows waits for a worker that does, and the log says so', async () => {
  const warnings: object[] = [];
  const silent = (): void => undefined;
  const logger: Logger = {
    debug: silent,
    info: silent,
    warn: (fields, message) => void warnings.push({ ...fields, message }),
    error: silent,
  };
  const prefix = newPrefix();
  await using pawl = await Pawl.open({ redis: inject('redisUrl'), prefix, logger });
  const other = pawl.worker({ workflows: [anything], sessionMs: 600, beatMs: 200 });
  await other.ready();
  const run = await pawl.start(ticks, { count: 2 });
  await expect
    .poll(() => warnings, { timeout: 15_000 })
    .toContainEqual({
      workflow: 'ticks',
      run: run.id,
      message: 'no worker knows this workflow; its runs wait for one that does',
    });
  expect((await run.info()).status).toBe('queued');
  pawl.worker({ workflows: [ticks] });
  expect(await run.result()).toEqual({ sum: 1 });
});

test('errors of a closed pawl say so', async () => {
  const pawl = await openPawl(inject('redisUrl'), newPrefix());
  await pawl.close();
  const error = (await pawl.start(anything, 1).catch((thrown: unknown) => thrown)) as PawlError;
  expect(error).toMatchObject({ code: 'PAWL_CLOSED', outcome: 'not-applied' });
  expect(() => pawl.worker({ workflows: [anything] })).toThrow(/closed/);
});
