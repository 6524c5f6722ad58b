// Goal: nothing is silent. Somebody who has given no logger sees on standard error why a run failed, why nobody works on it,
// and that there is no Redis. Method: real Redis, a paused BullMQ queue, and the lines of the console.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { newPrefix } from '../support/workers.ts';

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const lines: Line[] = [];

beforeEach(() => {
  lines.length = 0;
  vi.stubEnv('PAWL_LOG', undefined);
  vi.spyOn(console, 'error').mockImplementation((line: string) => {
    // A client that another file of this process has left may have something to say as well.
    if (line.startsWith('{')) lines.push(JSON.parse(line) as Line);
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const brittle = defineWorkflow({
  name: 'brittle',
  retry: { attempts: 2, delay: 10 },
  run: async (ctx) =>
    ctx.step('charge', () => {
      throw new Error('the bank said no', { cause: new RangeError('limit of 50') });
    }),
});

test('a run that fails says why, at each attempt', async () => {
  vi.stubEnv('PAWL_REDIS_URL', inject('redisUrl'));
  await using pawl = await Pawl.open({ prefix: newPrefix() });
  pawl.worker({ workflows: [brittle] });
  const run = await pawl.start(brittle, undefined, { id: 'order-7' });
  await expect(run.result()).rejects.toThrow('the bank said no');
  const said = {
    level: 'warn',
    name: 'pawl',
    run: 'order-7',
    workflow: 'brittle',
    error: expect.stringContaining('the bank said no'),
    cause: expect.stringContaining('limit of 50'),
    at: expect.stringMatching(/said\.test\.ts:\d+:\d+$/),
  };
  await expect
    .poll(() => lines)
    .toMatchObject([
      { ...said, msg: 'run failed, it is tried again' },
      { ...said, msg: 'run failed' },
    ]);
});

test('a run that is quarantined is said as an error', async () => {
  const [url, prefix] = [inject('redisUrl'), newPrefix()];
  await using pawl = await Pawl.open({ redis: url, prefix });
  const run = await pawl.start(brittle, undefined, { id: 'order-8' });
  // Somebody else has written into the log.
  const redis = new Redis(url);
  const [log = ''] = await redis.keys(`{${prefix}*:events:order-8`);
  await redis.xtrim(log, 'MAXLEN', 0);
  pawl.worker({ workflows: [brittle] });
  await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_QUARANTINED' });
  await expect
    .poll(() => lines)
    .toMatchObject([
      { level: 'error', run: 'order-8', msg: expect.stringContaining('quarantined') },
    ]);
  redis.disconnect();
});

test('with logger: false nothing is said', async () => {
  await using pawl = await Pawl.open({
    redis: inject('redisUrl'),
    prefix: newPrefix(),
    logger: false,
  });
  pawl.worker({ workflows: [brittle] });
  await expect((await pawl.start(brittle)).result()).rejects.toThrow('the bank said no');
  await pawl.close();
  expect(lines).toEqual([]);
});

test('a missing worker, and a queue that was paused in BullMQ, are said by result()', async () => {
  const [redis, prefix] = [inject('redisUrl'), newPrefix()];
  const other = defineWorkflow({ name: 'other', run: () => 1 });
  await using pawl = await Pawl.open({ redis, prefix });
  await pawl.worker({ workflows: [other] }).ready();
  const connection = new Redis(redis, { maxRetriesPerRequest: null });
  const queue = new Queue('other', { connection, prefix: `{${prefix}}:bull` });
  await queue.pause();
  expect(await pawl.queues()).toMatchObject([{ workflow: 'other', paused: true }]);
  const held = await pawl.start(other);
  const unknown = await pawl.start(brittle);
  unknown.result().catch(() => undefined);
  const result = held.result();
  await expect
    .poll(() => lines.map(({ msg }) => msg), { timeout: 15_000 })
    .toEqual(
      expect.arrayContaining([
        expect.stringContaining('no worker that is running knows the workflow brittle'),
        expect.stringContaining('the queue of the workflow other is paused in BullMQ'),
      ]),
    );
  await queue.resume();
  expect(await result).toBe(1);
  expect(await pawl.queues()).toMatchObject([{ workflow: 'other', paused: false, waiting: 0 }]);
  await queue.close();
  connection.disconnect();
  await pawl.close({ graceMs: 100 });
}, 30_000);

test('a missing Redis is said after two seconds, without the password', async () => {
  const redis = 'redis://ada:pw-7Hq2@127.0.0.1:1';
  const error = await Pawl.open({ redis, connectMs: 2_300 }).catch((thrown: unknown) => thrown);
  expect(lines).toEqual([
    {
      level: 'warn',
      time: expect.any(String),
      name: 'pawl',
      msg: 'waiting for Redis at redis://127.0.0.1:1',
      error: expect.stringContaining('ECONNREFUSED'),
    },
  ]);
  expect(error).toMatchObject({
    code: 'PAWL_UNAVAILABLE',
    message: expect.stringContaining('No Redis answered at redis://127.0.0.1:1 within 2300 ms'),
  });
  expect(String(error)).not.toContain('pw-7Hq2');
});

test.each([
  ['sentinels', 'redis+sentinel://:pw-7Hq2@127.0.0.1:1,127.0.0.1:2/main', 'sentinel'],
  ['a cluster', 'redis+cluster://:pw-7Hq2@127.0.0.1:1,127.0.0.1:2', 'cluster'],
])('%s are named by their places', async (_, redis, kind) => {
  const error = await Pawl.open({ redis, connectMs: 200 }).catch((thrown: unknown) => thrown);
  expect(String(error)).toContain(`redis+${kind}://127.0.0.1:1,127.0.0.1:2 within`);
  expect(String(error)).not.toContain('pw-7Hq2');
});

test('an address comes from the environment only when none was named', async () => {
  vi.stubEnv('PAWL_REDIS_URL', undefined);
  vi.stubEnv('REDIS_URL', inject('redisUrl'));
  await (await Pawl.open()).close();
  // A variable that is not set must not lead to another Redis.
  await expect(Pawl.open({ redis: undefined as never })).rejects.toThrow(/a variable that is not/);
  vi.stubEnv('REDIS_URL', undefined);
  await expect(Pawl.open({})).rejects.toThrow(/or set PAWL_REDIS_URL or REDIS_URL/);
  vi.stubEnv('PAWL_LOG', 'loud');
  await expect(Pawl.open({ redis: inject('redisUrl') })).rejects.toThrow(/PAWL_LOG must be one of/);
});
