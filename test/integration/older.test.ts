// Goal: runs that an older pawl has parked, with nothing stored of what they wait for, are not slept over. Method: parked
// runs of which the fields that are new are taken away, with and without a message, in every way they can be looked at.
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Keys } from '../../src/redis/keys.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { message, waiting } from '../../src/testing/run-store/messages.ts';
import {
  bytes,
  claimed,
  claiming,
  dueOf,
  farMs,
  held,
} from '../../src/testing/run-store/opened.ts';
import { newPrefix } from '../support/workers.ts';

const prefix = newPrefix();
const [keys] = new Keys(prefix, 1).shards;
let redis: Redis;
let store: RedisRunStore;

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  store = await RedisRunStore.open({ redis: inject('redisUrl'), prefix, shards: 1 });
});

afterAll(async () => {
  await redis.unlink(await redis.keys(`{${prefix}*`));
  redis.disconnect();
  await store.close();
});

/** A run as an older pawl leaves it: with a message that has come, due for it, or without. */
async function older(isHeard: boolean): Promise<string> {
  const run = await waiting(store);
  if (isHeard) await store.post(message(run));
  const key = keys?.run(run) ?? '';
  await redis.hdel(key, 'waits', 'waitsIn', 'wants', 'woken', 'wroteVersion');
  if (isHeard) await redis.hset(key, 'inbox', 1);
  return run;
}

test('one to which a message has come is due, and is claimed', async () => {
  const run = await older(true);
  for (let i = 0; i < 2; i++) {
    const due = await dueOf(store, run, { resendMs: 0 });
    expect(due).toMatchObject({ status: 'waiting', asleep: false });
  }
  expect((await claimed(store, run)).messages.length).toBe(1);
});

test('one that sleeps is woken by whatever comes', async () => {
  const run = await older(false);
  expect((await store.record(run))?.waits).toEqual([]);
  expect(await store.claim(claiming(run))).toEqual({ outcome: 'notClaimable', status: 'waiting' });
  expect(await store.post(message(run, { name: 'any' }))).toMatchObject({ woken: true });
  expect(await dueOf(store, run)).toMatchObject({ run, asleep: false });
  await claimed(store, run);
});

test('one that was paused meanwhile goes on when it is resumed', async () => {
  for (const isHeard of [true, false]) {
    const run = await older(isHeard);
    await store.pause(run, bytes('why'));
    await store.resume(run, bytes('go'));
    expect((await dueOf(store, run))?.run).toBe(isHeard ? run : undefined);
  }
});

test('one that is in no index is due again when it is repaired', async () => {
  const run = await older(true);
  await redis.zrem(keys?.due ?? '', run);
  await store.reindex(run);
  expect((await dueOf(store, run))?.run).toBe(run);
});

test('the version that claimed it last counts as the one that wrote it', async () => {
  const { id, worker } = await held(store, { claim: { codeVersion: 3 } });
  await redis.hdel(keys?.run(id) ?? '', 'wroteVersion');
  await store.fleet.interrupt({
    worker,
    reason: 'session-expired',
    lastSeenAt: 0,
    resendMs: farMs,
    quarantineAfter: 3,
    limit: 10,
  });
  expect((await store.record(id))?.wroteVersion).toBe(3);
  const refused = await store.claim(claiming(id, { codeVersion: 2 }));
  expect(refused).toEqual({ outcome: 'newer', codeVersion: 3 });
});
