// Goal: a run whose data somebody has damaged is quarantined with the key and the reason, and stops nothing else: no slot is
// held for it, no sweep fails of it. Method: keys of runs are damaged by hand, in every state of a run.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineWorkflow, type Logger, Pawl, type RunHandle } from 'pawl';
import { z } from 'zod';
import { type RedisServer, startRedisServer } from '../../src/testing/redis-server.ts';
import { newPrefix } from '../support/workers.ts';

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

const work = defineWorkflow({
  name: 'work',
  state: z.object({ seen: z.number().default(0) }),
  signals: { go: z.number() },
  async run(ctx) {
    await ctx.step('first', () => 1);
    await ctx.checkpoint({ label: 'begun' });
    await ctx.waitFor('go');
    await ctx.set({ seen: 1 });
    return 'ok';
  },
});

async function stage() {
  const prefix = newPrefix();
  const logged: string[] = [];
  const log = (fields: object, message: string): void => {
    logged.push(`${message} ${JSON.stringify(fields)}`);
  };
  const logger: Logger = { debug: () => undefined, info: () => undefined, warn: log, error: log };
  const pawl = await Pawl.open({ redis: server.url, prefix, logger });
  const key = (kind: string, id: string): string => `{${prefix}:0}:${kind}:${id}`;
  return { pawl, prefix, key, logged };
}

async function overwrite(key: string): Promise<void> {
  await redis.del(key);
  await redis.set(key, 'something else');
}

const statusOf = async (run: RunHandle): Promise<string> => (await run.info()).status;

/** What is wrong, and with which of a run's keys. */
const damages: readonly (readonly [string, string, (key: string) => Promise<unknown>])[] = [
  ['a foreign entry', 'events', (key) => redis.xadd(key, '*', 'note', 'foreign')],
  ['a text in place of the log', 'events', overwrite],
  ['a text in place of the snapshot', 'snapshot', overwrite],
  ['a text in place of the inbox', 'inbox', overwrite],
];

describe.each(damages)('%s', (_what, kind, damage) => {
  test('of parked runs takes no slot, and they are quarantined', async () => {
    const { pawl, key, logged } = await stage();
    await using _ = pawl;
    await pawl.worker({ workflows: [work], concurrency: 2 }).ready();
    const runs: RunHandle[] = [];
    for (let i = 0; i < 4; i++) runs.push(await pawl.start(work, undefined, { id: `bad-${i}` }));
    await expect.poll(() => Promise.all(runs.map(statusOf))).toEqual(runs.map(() => 'waiting'));
    // A damaged inbox takes no signal: it is damaged behind it.
    const signal = (run: RunHandle): Promise<unknown> => run.signal('go', 1).catch(() => undefined);
    for (const run of runs) await pawl.run(run.id).pause();
    for (const run of runs) await signal(run);
    for (const { id } of runs) await damage(key(kind, id));
    for (const run of runs) await run.resume().catch(() => undefined);
    // Where not even the resume can be written, the signal has woken it before.
    for (const { id } of runs) {
      await redis.hdel(key('run', id), 'paused');
      await redis.zadd(key('due', '').slice(0, -1), '1', id);
    }
    const healthy = await pawl.start(work, undefined, { id: 'healthy' });
    await healthy.signal('go', 1);
    expect(await healthy.result({ timeoutMs: 10_000 })).toBe('ok');
    await expect
      .poll(() => Promise.all(runs.map(statusOf)), { timeout: 10_000 })
      .toEqual(runs.map(() => 'quarantined'));
    const { error } = await pawl.run('bad-0').info();
    expect(error).toMatchObject({ code: 'PAWL_CORRUPT' });
    expect(error?.message).toContain(key(kind, 'bad-0'));
    expect(logged.join('\n')).toContain(key(kind, 'bad-0'));
    expect(await pawl.delete('bad-0')).toBe(true);
  });
});

test('a run without its payload is quarantined as well', async () => {
  const { pawl, key, logged } = await stage();
  await using _ = pawl;
  await pawl.start(work, undefined, { id: 'bad' });
  await overwrite(key('payload', 'bad'));
  await pawl.worker({ workflows: [work], concurrency: 1 }).ready();
  const status = (): Promise<string | null> => redis.hget(key('run', 'bad'), 'status');
  await expect.poll(status, { timeout: 10_000 }).toBe('quarantined');
  await expect.poll(() => logged.join('\n')).toContain(key('payload', 'bad'));
  const healthy = await pawl.start(work, undefined, { id: 'healthy' });
  await healthy.signal('go', 1);
  expect(await healthy.result({ timeoutMs: 10_000 })).toBe('ok');
});

test('a record that is none is told of, and stops neither the worker nor the sweeper', async () => {
  const { pawl, key, logged } = await stage();
  await using _ = pawl;
  for (const id of ['bad-0', 'bad-1']) await pawl.start(work, undefined, { id });
  await overwrite(key('run', 'bad-0'));
  await redis.hset(key('run', 'bad-1'), 'changedAt', 'yesterday', 'fence', 'none');
  const due = key('due', '').slice(0, -1);
  await redis.zadd(due, '1', 'bad-0', '2', 'bad-1');
  await pawl.worker({ workflows: [work], concurrency: 2 }).ready();
  const healthy = await pawl.start(work, undefined, { id: 'healthy' });
  await healthy.signal('go', 1);
  expect(await healthy.result({ timeoutMs: 10_000 })).toBe('ok');
  // A sweep finds both, and goes on to what is due behind them.
  await expect.poll(() => redis.zscore(due, 'bad-0'), { timeout: 10_000 }).toBe(null);
  await expect.poll(() => redis.zscore(due, 'bad-1'), { timeout: 10_000 }).toBe(null);
  for (const id of ['bad-0', 'bad-1']) expect(logged.join('\n')).toContain(key('run', id));
  await expect(pawl.run('bad-0').signal('go', 1)).rejects.toMatchObject({
    code: 'PAWL_CORRUPT',
    key: key('run', 'bad-0'),
  });
});

test('a log that is damaged under a worker sets its run aside, and the worker goes on', async () => {
  const { pawl, key } = await stage();
  await using _ = pawl;
  let damaged: () => void = () => undefined;
  const isDamaged = new Promise<void>((resolve) => {
    damaged = resolve;
  });
  const slow = defineWorkflow({ name: 'slow', run: (ctx) => ctx.step('slow', () => isDamaged) });
  await pawl.worker({ workflows: [slow, work], concurrency: 1 }).ready();
  const run = await pawl.start(slow, undefined, { id: 'bad' });
  await expect.poll(() => statusOf(run)).toBe('running');
  await redis.xadd(key('events', 'bad'), '*', 'note', 'foreign');
  damaged();
  await expect.poll(() => statusOf(run), { timeout: 10_000 }).toBe('quarantined');
  const { error } = await run.info();
  expect(error).toMatchObject({ code: 'PAWL_CORRUPT' });
  expect(error?.message).toContain(key('events', 'bad'));
  const next = await pawl.start(slow, undefined);
  await next.result({ timeoutMs: 10_000 });
});

test('a damaged run of a lost worker is quarantined, and its neighbours are taken over', async () => {
  const { pawl, prefix, key } = await stage();
  await using _ = pawl;
  const claimed = await Promise.all(
    ['bad', 'worse', 'good'].map((id) => pawl.start(work, undefined, { id })),
  );
  const due = key('due', '').slice(0, -1);
  // As if a worker had claimed them and died: its session is unknown.
  for (const { id } of claimed) {
    const fence = '1800000000000000';
    await redis.xadd(
      key('events', id),
      `2-${fence}`,
      'type',
      'run.claimed',
      'at',
      '1',
      'data',
      '{}',
    );
    await redis.hset(key('run', id), {
      status: 'running',
      worker: 'gone',
      owner: 'x',
      seq: '2',
      claimSeq: '2',
      fence,
    });
    await redis.zrem(due, id);
    await redis.zrem(`{${prefix}:0}:by-status:queued`, id);
    await redis.zadd(`{${prefix}:0}:by-status:running`, '1', id);
    await redis.sadd(key('held', 'gone'), id);
  }
  await redis.sadd(`{${prefix}:0}:holders`, 'gone');
  await redis.xadd(key('events', 'bad'), '*', 'note', 'foreign');
  await overwrite(key('run', 'worse'));
  await pawl.worker({ workflows: [work], sessionMs: 300, beatMs: 100 }).ready();
  const [bad, , good] = claimed;
  if (bad === undefined || good === undefined) throw new Error('three were started');
  await expect.poll(() => statusOf(good), { timeout: 15_000 }).toBe('waiting');
  expect(await statusOf(bad)).toBe('quarantined');
  expect((await bad.info()).error?.message).toContain(key('events', 'bad'));
  await sleep(50);
});
