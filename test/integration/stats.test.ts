// Goal: the stats say what is late, and only that. Method: a store of its own for each test, in memory and in Redis.
import { describe, expect, inject, test } from 'vitest';
import type { RunStore } from '../../src/core/store.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { claimed, created, farMs, held, interruption } from '../../src/testing/run-store/opened.ts';
import { newPrefix } from '../support/workers.ts';

const stores: readonly (readonly [string, () => Promise<RunStore>])[] = [
  ['memory', async () => new MemoryRunStore()],
  ...[1, 4].map((shards) => {
    const open = (): Promise<RunStore> =>
      RedisRunStore.open({ redis: inject('redisUrl'), prefix: newPrefix(), shards });
    return [`Redis, ${shards} shards`, open] as const;
  }),
];

const nothing = {
  queued: 0,
  running: 0,
  waiting: 0,
  interrupted: 0,
  quarantined: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
};

describe.each(stores)('in %s', (_, open) => {
  test('an empty store has nothing, and nothing is late', async () => {
    const store = await open();
    expect(await store.observation.stats()).toEqual({
      runs: nothing,
      overdue: 0,
      overdueMs: 0,
      waitingMs: 0,
    });
    await store.close();
  });

  test('who sleeps, is paused, is at work or is unmanaged waits for no worker', async () => {
    const store = await open();
    await created(store, { delayMs: farMs });
    await created(store, { unmanaged: true });
    await held(store);
    const paused = await created(store);
    await store.pause(paused, new Uint8Array([0x7b, 0x7d]));
    await new Promise((resolve) => void setTimeout(resolve, 5));
    expect(await store.observation.stats()).toMatchObject({
      overdue: 0,
      overdueMs: 0,
      waitingMs: 0,
    });
    await store.close();
  });

  test('overdue runs are counted over all shards, and the first of them tells the age', async () => {
    const store = await open();
    for (let n = 0; n < 12; n++) {
      const run = await created(store, { run: `late-${n}`, resendMs: 0 });
      expect(run).toBe(`late-${n}`);
    }
    await new Promise((resolve) => void setTimeout(resolve, 5));
    const { overdue, overdueMs } = await store.observation.stats();
    expect(overdue).toBe(12);
    expect(overdueMs).toBeGreaterThan(0);
    await store.close();
  });

  test('an interrupted run waits from the death of its worker on, until it is claimed', async () => {
    const store = await open();
    const { id, worker } = await held(store);
    await new Promise((resolve) => void setTimeout(resolve, 50));
    await store.fleet.interrupt(interruption(worker));
    const { changedAt } = (await store.record(id)) ?? { changedAt: 0 };
    await new Promise((resolve) => void setTimeout(resolve, 5));
    const { waitingMs } = await store.observation.stats();
    expect(waitingMs).toBeGreaterThan(0);
    await claimed(store, id);
    const { changedAt: claimedAt } = (await store.record(id)) ?? { changedAt: 0 };
    // On the store's clock: the stats were read between the two.
    expect(waitingMs).toBeLessThanOrEqual(claimedAt - changedAt);
    expect((await store.observation.stats()).waitingMs).toBe(0);
    await store.close();
  });

  test('the oldest that is not paused is found behind those that are', async () => {
    const store = await open();
    for (let n = 0; n < 30; n++) {
      await store.pause(await created(store), new Uint8Array([0x7b, 0x7d]));
    }
    const run = await created(store);
    await new Promise((resolve) => void setTimeout(resolve, 5));
    expect((await store.observation.stats()).waitingMs).toBeGreaterThan(0);
    await store.delete(run);
    expect((await store.observation.stats()).waitingMs).toBe(0);
    await store.close();
  });
});
