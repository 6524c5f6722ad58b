import { checkWhole, endedRuns, idleRuns, message, quarantined, wakeUpOf } from './messages.ts';
import {
  bytes,
  claimed,
  claiming,
  committed,
  created,
  dueOf,
  event,
  everyByte,
  everything,
  farMs,
  held,
  hex,
  interruption,
  loaded,
  newId,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
  parking,
} from './opened.ts';

function idle(test: RunStoreTest): void {
  test('a run that nobody holds is kept from being claimed, with an event', async (opened) => {
    const { store, expect } = opened;
    for (const { id, what } of await idleRuns(store)) {
      const { record: before } = await loaded(store, id);
      const { status } = before;
      expect(await store.pause(id, everyByte), what).toEqual({ outcome: 'paused', status });
      const { record, events } = await loaded(store, id);
      expect(record, what).toMatchObject({ status, paused: true, seq: before.seq + 1 });
      expect(record.changedAt, what).toBe(before.changedAt);
      expect(record.wakeAt, what).toBe(before.wakeAt);
      expect(record.fence).toBeGreaterThan(before.fence);
      expect(events.at(-1)).toMatchObject({ type: 'operator.paused', fence: record.fence });
      expect(hex(events.at(-1)?.data)).toBe(hex(everyByte));
      expect((await store.readInbox(id)).paused).toBe(true);
      expect(await store.claim(claiming(id)), what).toEqual({ outcome: 'notClaimable', status });
      await checkWhole(store, expect, id);
    }
  });

  test('a paused run is not due, whatever was due before', async ({ store, advance, expect }) => {
    const { id, ownership } = await held(store);
    await committed(store, ownership, { release: parking({ wakeMs: 5 }) });
    const queued = await created(store, { resendMs: 0 });
    for (const run of [id, queued]) {
      await store.pause(run, bytes('why'));
      await advance(20);
      expect(await dueOf(store, run)).toBe(undefined);
      expect(await dueOf(store, run, { aheadMs: farMs * 2 })).toBe(undefined);
      expect((await store.claim(claiming(run))).outcome).toBe('notClaimable');
    }
  });

  test('a wake-up that was sent before the pause is stale', async ({ store, expect }) => {
    const run = await created(store);
    const { fence } = await wakeUpOf(store, run);
    await store.pause(run, bytes('why'));
    const stale = { outcome: 'stale', fence: (await wakeUpOf(store, run)).fence };
    expect(await store.claim(claiming(run, { expectedFence: fence }))).toEqual(stale);
  });

  test('pausing again changes nothing', async ({ store, expect }) => {
    const run = await created(store);
    await store.pause(run, bytes('why'));
    const before = await everything(store, run);
    const again = await store.pause(run, bytes('other'));
    expect(again).toEqual({ outcome: 'paused', status: 'queued' });
    expect(await everything(store, run)).toEqual(before);
  });

  test('a quarantined run can be paused', async ({ store, expect }) => {
    const run = await quarantined(store);
    const paused = { outcome: 'paused', status: 'quarantined' };
    expect(await store.pause(run, bytes('why'))).toEqual(paused);
    expect((await store.record(run))?.paused).toBe(true);
    await checkWhole(store, expect, run);
  });

  test('a run that has ended, or is not there, is not paused', async ({ store, expect }) => {
    for (const { id, status } of await endedRuns(store)) {
      const before = await everything(store, id);
      expect(await store.pause(id, bytes('why'))).toEqual({ outcome: 'ended', status });
      expect(await everything(store, id)).toEqual(before);
    }
    expect(await store.pause(newId('run'), bytes('why'))).toEqual({ outcome: 'missing' });
  });
}

function atWork(test: RunStoreTest): void {
  test('a run at work stays its owner’s, who is shown that it is to be paused', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const { record: before } = await loaded(store, id);
    const paused = { outcome: 'paused', status: 'running' };
    expect(await store.pause(id, bytes('why'))).toEqual(paused);
    expect(await store.pause(id, bytes('why again'))).toEqual(paused);
    const unread = { messages: [], paused: true, pausedBy: bytes('why') };
    expect(plain(await store.readInbox(id))).toEqual(plain(unread));
    expect((await loaded(store, id)).record).toEqual({ ...before, paused: true });
    expect(await committed(store, ownership, { events: [event('work')] })).toBe(3);
    await checkWhole(store, expect, id);
  });

  test('it is not due and not claimable when it is handed back or parked', async (opened) => {
    const { store, advance, expect } = opened;
    const releases = [
      { status: 'queued', resendMs: 0 },
      parking({ wakeMs: 0 }),
      parking(),
    ] as const;
    for (const release of releases) {
      const { id, ownership } = await held(store);
      await store.pause(id, bytes('why'));
      await committed(store, ownership, { events: [event('operator.paused')], release });
      await advance(5);
      expect(await dueOf(store, id)).toBe(undefined);
      const { status } = release;
      expect(await store.claim(claiming(id))).toEqual({ outcome: 'notClaimable', status });
      expect((await store.record(id))?.paused).toBe(true);
    }
  });

  test('it may end before it is paused, and is over then', async ({ store, expect }) => {
    const releases = [
      { status: 'completed', output: bytes('output'), keepMs: farMs },
      { status: 'failed', error: bytes('error'), keepMs: farMs },
      { status: 'cancelled', error: bytes('error'), keepMs: farMs },
    ] as const;
    for (const release of releases) {
      const { id, ownership } = await held(store);
      await store.pause(id, bytes('why'));
      await committed(store, ownership, { release });
      expect((await store.record(id))?.paused, release.status).toBe(false);
      expect((await store.readInbox(id)).paused, release.status).toBe(false);
    }
  });

  test('it stays paused when it loses its worker, and is not due', async ({
    store,
    advance,
    expect,
  }) => {
    const { id, worker } = await held(store);
    await store.pause(id, bytes('why'));
    await store.fleet.interrupt(interruption(worker, { resendMs: 0 }));
    expect((await loaded(store, id)).record).toMatchObject({ status: 'interrupted', paused: true });
    await advance(5);
    expect(await dueOf(store, id)).toBe(undefined);
    expect(await store.claim(claiming(id))).toEqual({
      outcome: 'notClaimable',
      status: 'interrupted',
    });
    expect((await store.resume(id, bytes('go'))).outcome).toBe('resumed');
    expect((await claimed(store, id)).takeover?.from).toBe(worker);
    await checkWhole(store, expect, id);
  });

  test('a claim and a pause at the same time: the run is held, or paused', async (opened) => {
    const { store, expect } = opened;
    for (let round = 0; round < 10; round++) {
      const run = await created(store);
      const calls = [() => store.claim(claiming(run)), () => store.pause(run, bytes('why'))];
      const order = round % 2 === 0 ? calls : calls.toReversed();
      const outcomes = await Promise.all(order.map((call) => call()));
      const { record } = await loaded(store, run);
      expect(record).toMatchObject({ paused: true, seq: 2 });
      const isHeld = outcomes.some(({ outcome }) => outcome === 'claimed');
      expect(record.status).toBe(isHeld ? 'running' : 'queued');
      await checkWhole(store, expect, run);
    }
  });

  test('many pauses write one event', async ({ store, expect }) => {
    const run = await created(store);
    await store.post(message(run));
    await Promise.all(Array.from({ length: 20 }, () => store.pause(run, bytes('why'))));
    expect((await loaded(store, run)).record.seq).toBe(2);
    expect((await store.readInbox(run)).messages.length).toBe(1);
    await checkWhole(store, expect, run);
  });
}

export const pauseTheme: RunStoreTheme = { name: 'pause', parts: [idle, atWork] };
