import type { Election } from '../../core/fleet.ts';
import { eventually } from '../eventually.ts';
import {
  newId,
  type RunStoreCase,
  type RunStoreTest,
  type RunStoreTheme,
  storeTime,
  workerInfo,
} from './opened.ts';

type Led = Extract<Election, { leader: true }>;

/** Long enough that no test outlives it. */
const longMs = 60_000;

/** Asks until elected: whoever led before may still be in office. */
async function elected(opened: RunStoreCase, worker: string, lockMs: number): Promise<Led> {
  return eventually(opened, `${worker} is elected`, async () => {
    const look = await opened.store.fleet.elect(worker, lockMs);
    return look.leader ? look : undefined;
  });
}

/** What the sweeper sees of one worker. Takes the office for one look, and gives it back. */
async function pollAt(opened: RunStoreCase, worker: string) {
  const sweeper = newId('sweeper');
  const look = await elected(opened, sweeper, longMs);
  await opened.store.fleet.deregister(sweeper);
  return { at: look.at, lost: look.lost.find((lost) => lost.worker === worker) };
}

/** Looks until the worker seems lost. */
function lossOf(opened: RunStoreCase, worker: string) {
  return eventually(opened, `${worker} is lost`, async () => {
    const { at, lost } = await pollAt(opened, worker);
    return lost && { ...lost, at };
  });
}

async function recordOf({ store }: RunStoreCase, id: string) {
  return (await store.fleet.workers()).find((worker) => worker.id === id);
}

function registered(test: RunStoreTest): void {
  test('a beat registers a worker with all that is known about it', async (opened) => {
    const { store, expect } = opened;
    const info = workerInfo(newId('worker'), {
      host: 'host-1.example',
      pid: 12,
      workflows: { order: 3, 'mail.send': 1 },
      concurrency: 50,
      active: 7,
      loopLagMs: 12,
    });
    const before = await storeTime(store);
    await store.fleet.beat(info, longMs);
    const record = await recordOf(opened, info.id);
    const seenAt = record?.seenAt ?? 0;
    expect(record).toEqual({
      ...info,
      presence: false,
      draining: false,
      startedAt: seenAt,
      seenAt,
      sessionEndsAt: seenAt + longMs,
    });
    expect(seenAt).toBeGreaterThanOrEqual(before);
    expect(seenAt).toBeLessThanOrEqual(await storeTime(store));
    await store.fleet.deregister(info.id);
  });

  test('a later beat brings what has changed, and keeps the time of the first', async (opened) => {
    const { store, advance, expect } = opened;
    const id = newId('worker');
    await store.fleet.beat(workerInfo(id, { active: 1 }), longMs);
    const first = await recordOf(opened, id);
    await advance(5);
    await store.fleet.beat(workerInfo(id, { active: 2, workflows: { other: 9 } }), 2 * longMs);
    const second = await recordOf(opened, id);
    expect(second).toMatchObject({
      active: 2,
      workflows: { other: 9 },
      startedAt: first?.startedAt,
    });
    expect(second?.seenAt).toBeGreaterThan(first?.seenAt ?? Infinity);
    expect(second?.sessionEndsAt).toBe((second?.seenAt ?? 0) + 2 * longMs);
    await store.fleet.deregister(id);
  });

  test('what a worker tells of its steps is kept as it is, until the next beat', async (opened) => {
    const { store, expect } = opened;
    const id = newId('worker');
    expect(await store.fleet.atWork(id)).toBe('');
    await store.fleet.beat(workerInfo(id), longMs, '[["a","pay für ☂",1,7]]');
    expect(await store.fleet.atWork(id)).toBe('[["a","pay für ☂",1,7]]');
    await store.fleet.beat(workerInfo(id), longMs);
    expect(await store.fleet.atWork(id)).toBe('');
    await store.fleet.deregister(id);
  });

  test('a worker that leaves is forgotten, and may come back', async (opened) => {
    const { store, expect } = opened;
    const id = newId('worker');
    await store.fleet.beat(workerInfo(id), longMs);
    await store.fleet.deregister(id);
    expect(await recordOf(opened, id)).toBe(undefined);
    await store.fleet.deregister(id);
    await store.fleet.beat(workerInfo(id), longMs);
    expect((await recordOf(opened, id))?.id).toBe(id);
    await store.fleet.deregister(id);
  });
}

function sessions(test: RunStoreTest): void {
  test('a worker whose session ended without a beat seems lost, and not before', async (opened) => {
    const { store, expect } = opened;
    const id = newId('worker');
    await store.fleet.beat(workerInfo(id), 60);
    const record = await recordOf(opened, id);
    const loss = await lossOf(opened, id);
    expect(loss).toMatchObject({ reason: 'session-expired', lastSeenAt: record?.seenAt });
    expect(loss.at).toBeGreaterThanOrEqual(record?.sessionEndsAt ?? Infinity);
    await store.fleet.deregister(id);
  });

  test('a beat renews the session', async (opened) => {
    const { store, advance, expect } = opened;
    const id = newId('worker');
    await store.fleet.beat(workerInfo(id), 20);
    await store.fleet.beat(workerInfo(id), longMs);
    await advance(40);
    expect((await pollAt(opened, id)).lost).toBe(undefined);
    await store.fleet.deregister(id);
  });

  test('a lost worker that beats again is not lost', async (opened) => {
    const { store, expect } = opened;
    const id = newId('worker');
    await store.fleet.beat(workerInfo(id), 10);
    await lossOf(opened, id);
    await store.fleet.beat(workerInfo(id), longMs);
    expect((await pollAt(opened, id)).lost).toBe(undefined);
    await store.fleet.deregister(id);
  });

  test('a worker that has beaten since it was looked at is not made to leave', async (opened) => {
    const { store, advance, expect } = opened;
    const id = newId('worker');
    await store.fleet.beat(workerInfo(id), 10);
    const { lastSeenAt: seenAt } = await lossOf(opened, id);
    await advance(5);
    await store.fleet.beat(workerInfo(id), longMs);
    expect(await store.fleet.deregister(id, { seenAt })).toBe(false);
    const record = await recordOf(opened, id);
    expect(record?.seenAt).toBeGreaterThan(seenAt);
    expect(await store.fleet.deregister(id, { seenAt: record?.seenAt ?? 0 })).toBe(true);
    expect(await recordOf(opened, id)).toBe(undefined);
    expect(await store.fleet.deregister(id, { seenAt: 0 })).toBe(true);
  });

  test('a lost worker stays lost until it is made to leave', async (opened) => {
    const { store, expect } = opened;
    const id = newId('worker');
    await store.fleet.beat(workerInfo(id), 10);
    await lossOf(opened, id);
    expect((await pollAt(opened, id)).lost?.worker).toBe(id);
    await store.fleet.deregister(id);
    expect((await pollAt(opened, id)).lost).toBe(undefined);
  });
}

function presence(test: RunStoreTest): void {
  test('a worker whose process is connected is present', async (opened) => {
    const { store, registerElsewhere, expect } = opened;
    const id = newId('worker');
    const vanish = await registerElsewhere(id);
    await store.fleet.beat(workerInfo(id), longMs);
    expect(await recordOf(opened, id)).toMatchObject({ presence: true });
    expect((await pollAt(opened, id)).lost).toBe(undefined);
    await vanish();
    await store.fleet.deregister(id);
  });

  test('a worker whose process is gone seems lost at once', async (opened) => {
    const { store, registerElsewhere, expect } = opened;
    const [id, other] = [newId('worker'), newId('worker')];
    const vanish = await registerElsewhere(id);
    const vanishOther = await registerElsewhere(other);
    await store.fleet.beat(workerInfo(id), longMs);
    await store.fleet.beat(workerInfo(other), longMs);
    const record = await recordOf(opened, id);
    await vanish();
    const loss = await lossOf(opened, id);
    expect(loss).toMatchObject({ reason: 'presence-lost', lastSeenAt: record?.seenAt });
    expect(loss.at).toBeLessThan(record?.sessionEndsAt ?? 0);
    expect((await pollAt(opened, other)).lost).toBe(undefined);
    await vanishOther();
    await store.fleet.deregister(id);
    await store.fleet.deregister(other);
  });

  test('a worker that is connected but does not beat is lost when its session ends', async (opened) => {
    const { store, registerElsewhere, expect } = opened;
    const id = newId('worker');
    const vanish = await registerElsewhere(id);
    await store.fleet.beat(workerInfo(id), 60);
    expect(await lossOf(opened, id)).toMatchObject({ reason: 'session-expired' });
    await vanish();
    await store.fleet.deregister(id);
  });
}

function absence(test: RunStoreTest): void {
  test('a worker that has never appeared is judged by its session alone', async (opened) => {
    const { store, expect } = opened;
    const id = newId('worker');
    await store.fleet.beat(workerInfo(id), longMs);
    expect((await pollAt(opened, id)).lost).toBe(undefined);
    await store.fleet.deregister(id);
  });

  test('a worker that appears again is not lost', async (opened) => {
    const { store, registerElsewhere, expect } = opened;
    const id = newId('worker');
    const vanish = await registerElsewhere(id);
    await store.fleet.beat(workerInfo(id), longMs);
    await vanish();
    await lossOf(opened, id);
    const vanishAgain = await registerElsewhere(id);
    expect((await pollAt(opened, id)).lost).toBe(undefined);
    await store.fleet.beat(workerInfo(id), longMs);
    expect((await pollAt(opened, id)).lost).toBe(undefined);
    await vanishAgain();
    await store.fleet.deregister(id);
  });

  test('a worker that beats without its connection is not present, and not lost', async (opened) => {
    const { store, registerElsewhere, expect } = opened;
    const id = newId('worker');
    const vanish = await registerElsewhere(id);
    await store.fleet.beat(workerInfo(id), longMs);
    await vanish();
    await lossOf(opened, id);
    await store.fleet.beat(workerInfo(id), longMs);
    expect(await recordOf(opened, id)).toMatchObject({ presence: false });
    expect((await pollAt(opened, id)).lost).toBe(undefined);
    await store.fleet.deregister(id);
  });
}

export const sessionsTheme: RunStoreTheme = {
  name: 'sessions',
  parts: [registered, sessions, presence, absence],
};
