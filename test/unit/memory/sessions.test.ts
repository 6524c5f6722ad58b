// Goal: a worker whose death a test has played is found, however the beats fall that its living object still sends.
import { expect, test } from 'vitest';
import { MemoryRunStore } from '../../../src/memory/run-store.ts';
import { workerInfo } from '../../../src/testing/run-store/opened.ts';

const longMs = 60_000;

async function lostOf(store: MemoryRunStore): Promise<readonly string[]> {
  const look = await store.fleet.elect('sweeper', longMs);
  return look.leader ? look.lost.map(({ worker, reason }) => `${worker} ${reason}`) : [];
}

test('a worker that vanished stays lost, although it beats', async () => {
  const store = new MemoryRunStore();
  await store.fleet.register('a');
  await store.fleet.beat(workerInfo('a'), longMs);
  store.vanish('a');
  await store.fleet.beat(workerInfo('a'), longMs);
  expect(await lostOf(store)).toEqual(['a presence-lost']);
  await store.fleet.deregister('a');
  await store.fleet.beat(workerInfo('a'), longMs);
  expect(await store.fleet.workers()).toEqual([]);
});

test('a worker that vanished is a new one when it appears again', async () => {
  const store = new MemoryRunStore();
  await store.fleet.register('a');
  await store.fleet.beat(workerInfo('a'), longMs);
  store.vanish('a');
  await store.fleet.register('a');
  await store.fleet.beat(workerInfo('a'), longMs);
  expect(await lostOf(store)).toEqual([]);
  expect(await store.fleet.workers()).toMatchObject([{ id: 'a', presence: true }]);
});

test('a worker that is only cut off is heard by its beats', async () => {
  const store = new MemoryRunStore();
  await store.fleet.register('a');
  await store.fleet.beat(workerInfo('a'), longMs);
  store.disconnect('a');
  expect(await lostOf(store)).toEqual(['a presence-lost']);
  await store.fleet.beat(workerInfo('a'), longMs);
  expect(await lostOf(store)).toEqual([]);
});
