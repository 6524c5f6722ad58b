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
    ...owner,
    token: 'c',
    expectedSeq: seq,
    snapshot,
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

test('a hundred checkpoints of a megabyte that changes one field each cost one state and the changes', async () => {
  const server = await startRedisServer();
  const prefix = newPrefix();
  const pawl = await openPawl(server.url, prefix);
  const redis = new Redis(server.url);
  const field = 5_200;
  const kept = defineWorkflow({
    name: 'preserved',
    input: z.object({ checkpoints: z.int() }),
    state: z.object({ at: z.number().default(0) }).loose(),
    async run(ctx, { checkpoints }) {
      for (let at = 0; at < 200; at += 20) {
        const patch = Array.from({ length: 20 }, (_, i) => [`f${at + i}`, 'x'.repeat(field)]);
        await ctx.set(Object.fromEntries(patch) as object);
      }
      for (let at = 1; at <= checkpoints; at++) {
        await ctx.set({ [`f${at}`]: 'y'.repeat(field) });
        await ctx.checkpoint({ label: `number ${at}` });
      }
    },
  });
  pawl.worker({ workflows: [kept] });
  /** Bytes of everything but the log, which is the same with and without checkpoints. */
  const size = async (id: string): Promise<number> => {
    const base = `{${prefix}:0}:`;
    const parts = ['snapshot', 'preserved', 'checkpoints'].map((part) => `${base}${part}:${id}`);
    const sizes = await Promise.all(parts.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
    return sizes.reduce((sum: number, bytes) => sum + (bytes ?? 0), 0);
  };
  const run = await pawl.start(kept, { checkpoints: 100 });
  await run.result();
  const plain = await pawl.start(kept, { checkpoints: 1 });
  await plain.result();
  const [all, one] = [await size(run.id), await size(plain.id)];
  console.log(`1 MB state: ${one} bytes with one checkpoint, ${all} with a hundred`);
  expect(all - one).toBeLessThan(100 * field * 1.5);
  const [latest] = await run.checkpoints({ label: 'number 50' });
  const state: Record<string, unknown> = await run.checkpoint(latest?.id ?? '');
  const first = (key: string): string => String(state[key])[0] ?? '';
  expect([first('f50'), first('f51')]).toEqual(['y', 'x']);
  redis.disconnect();
  await pawl.close();
  await server.stop();
});
