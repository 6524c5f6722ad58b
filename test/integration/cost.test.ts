// Goal: what a commit, a save and a resume cost, in counts that do not depend on the machine.
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow } from 'pawl';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { newPrefix, openPawl } from '../support/workers.ts';

const wide = defineWorkflow({
  name: 'wide',
  state: z.object({ fields: z.number().default(0) }).loose(),
  async run(ctx) {
    // A state of one megabyte in 200 fields, saved; then one field changed and saved again.
    for (let field = 0; field < 200; field += 20) {
      const patch = Array.from({ length: 20 }, (_, i) => [`f${field + i}`, 'x'.repeat(5_200)]);
      await ctx.set(Object.fromEntries(patch) as object);
    }
    await ctx.checkpoint();
    await ctx.step('measured', () => undefined);
    await ctx.set({ f7: 'y'.repeat(5_200) });
    await ctx.checkpoint();
  },
});

const busy = defineWorkflow({
  name: 'busy',
  input: z.object({ events: z.int() }),
  state: z.object({ count: z.number().default(0) }),
  events: { one: z.object({}) },
  reduce: { one: (state) => ({ count: state.count + 1 }) },
  async run(ctx, { events }) {
    while (ctx.state.count < events) {
      await Promise.all(Array.from({ length: 250 }, () => ctx.emit('one', {})));
    }
  },
});

test('saving one changed field of a megabyte writes kilobytes', async () => {
  // A server of its own, because the bytes of all its clients are counted.
  const server = await startRedisServer();
  const { url } = server;
  const prefix = newPrefix();
  const pawl = await openPawl(url, prefix);
  const redis = new Redis(url);
  const input = async (): Promise<number> =>
    Number(/total_net_input_bytes:(\d+)/.exec(await redis.info('stats'))?.[1]);
  const run = await pawl.start(wide, undefined);
  pawl.worker({ workflows: [wide], sweepMs: 5_000 });
  let before = 0;
  for await (const event of run.events())
    if (event.type === 'step.completed') before = await input();
  const after = await input();
  redis.disconnect();
  expect((await run.info()).version).toBeGreaterThan(1);
  // Twice the field (event and snapshot), and scripts that are sent for the first time.
  expect(after - before).toBeLessThan(100_000);
  await pawl.close();
  await server.stop();
});

test('a resume after 100,000 events replays no more than one after 1,000', async () => {
  const url = inject('redisUrl');
  const prefix = newPrefix();
  await using pawl = await openPawl(url, prefix);
  const store = await RedisRunStore.open({ redis: url, prefix });
  pawl.worker({ workflows: [busy] });
  const tails: number[] = [];
  for (const events of [1_000, 100_000]) {
    const run = await pawl.start(busy, { events });
    await run.result();
    const loaded = await store.load(run.id);
    tails.push((loaded?.record.seq ?? 0) - (loaded?.record.snapshotSeq ?? 0));
    expect(await run.state()).toEqual({ count: events });
  }
  await store.close();
  expect(Math.max(...tails)).toBeLessThan(600);
});

test('a commit is one script, whatever is in it', async () => {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  const store = await RedisRunStore.open({ redis: server.url });
  const data = new Uint8Array([1, 0xc0]);
  const creation = { run: 'r', workflow: 'w', input: data, tags: {}, data, token: 't' };
  await store.create({ ...creation, resendMs: 60_000 });
  const claim = { run: 'r', worker: 'me', codeVersion: 1, token: 'owner' };
  const claimed = await store.claim(claim);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const { seq } = claimed.record;
  const owner = claimed.ownership;
  const snapshot = { schema: 1, set: new Map([['state:a', data]]), remove: [] };
  // The first time, the script itself is sent.
  await store.commit({ ...owner, token: 'warm', expectedSeq: seq, events: [], snapshot });
  await redis.config('RESETSTAT');
  await store.commit({
    ...{ ...owner, token: 'c', expectedSeq: seq, snapshot },
    events: [
      { type: 'a', data },
      { type: 'b', data },
    ],
    release: { status: 'completed', output: data, keepMs: 1_000 },
  });
  const stats = await redis.info('commandstats');
  expect(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]).toBe('1');
  expect(stats).not.toContain('cmdstat_eval:');
  redis.disconnect();
  await store.close();
  await server.stop();
});
