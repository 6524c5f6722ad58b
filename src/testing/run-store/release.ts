import type { Release, RunStore } from '../../core/store.ts';
import { eventually } from '../eventually.ts';
import {
  bytes,
  commit,
  committed,
  claimed,
  dueOf,
  event,
  everyByte,
  farMs,
  held,
  hex,
  interruption,
  loaded,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
  storeTime,
  parking,
} from './opened.ts';

/** A run that was claimed and released like this; what the store says about it then. */
async function released(store: RunStore, release: Release) {
  const run = await held(store);
  await committed(store, run.ownership, { release });
  const { record } = await loaded(store, run.id);
  return { ...run, record };
}

function statuses(test: RunStoreTest): void {
  test('a completed run keeps its output', async ({ store, expect }) => {
    const { record } = await released(store, {
      status: 'completed',
      output: everyByte,
      keepMs: farMs,
    });
    expect(record).toMatchObject({ status: 'completed', worker: undefined, error: undefined });
    expect(hex(record.output)).toBe(hex(everyByte));
  });

  test('a failed and a cancelled run keep their error', async ({ store, expect }) => {
    for (const status of ['failed', 'cancelled'] as const) {
      const { record } = await released(store, { status, error: everyByte, keepMs: farMs });
      expect(record).toMatchObject({ status, worker: undefined, output: undefined });
      expect(hex(record.error)).toBe(hex(everyByte));
    }
  });

  test('a quarantined run keeps its error and is never due', async ({ store, expect }) => {
    const { record, id } = await released(store, { status: 'quarantined', error: everyByte });
    expect(record).toMatchObject({ status: 'quarantined', worker: undefined });
    expect(hex(record.error)).toBe(hex(everyByte));
    expect(await dueOf(store, id)).toBe(undefined);
  });

  test('a run handed back can be claimed again', async ({ store, expect }) => {
    const { record, id, ownership } = await released(store, { status: 'queued', resendMs: farMs });
    expect(record).toMatchObject({
      status: 'queued',
      worker: undefined,
      fence: ownership.fence,
      seq: 2,
    });
    expect((await claimed(store, id)).record.seq).toBe(3);
  });

  test('a parked run waits, with a time to wake or without', async ({ store, expect }) => {
    const timed = await released(store, parking({ wakeMs: farMs }));
    expect(timed.record).toMatchObject({ status: 'waiting', worker: undefined });
    expect(timed.record.wakeAt).toBe(timed.record.changedAt + farMs);
    const untimed = await released(store, parking());
    expect(untimed.record).toMatchObject({
      status: 'waiting',
      worker: undefined,
      wakeAt: undefined,
    });
    expect(await dueOf(store, untimed.id)).toBe(undefined);
  });

  test('a run that waits again without a time has forgotten the one before', async (opened) => {
    const { store, expect } = opened;
    const { id } = await released(store, parking({ wakeMs: 0 }));
    const { ownership } = await claimed(store, id);
    await committed(store, ownership, { expectedSeq: 3, release: parking() });
    expect((await loaded(store, id)).record.wakeAt).toBe(undefined);
    expect(await dueOf(store, id)).toBe(undefined);
  });
}

function together(test: RunStoreTest): void {
  test('last events, last snapshot and release are one commit', async ({ store, expect }) => {
    const { id, ownership, record: before } = await held(store);
    const snapshot = { schema: 1, set: new Map([['state:a', bytes('1')]]), remove: [] };
    const outcome = await store.commit(
      commit(ownership, {
        events: [event('one'), event('run.completed')],
        snapshot,
        release: { status: 'completed', output: bytes('output'), keepMs: farMs },
      }),
    );
    expect(outcome).toEqual({ outcome: 'committed', seq: 4, version: 1 });
    const found = await loaded(store, id);
    expect(found.record).toMatchObject({ status: 'completed', seq: 4, version: 1, snapshotSeq: 4 });
    expect(found.record.changedAt).toBeGreaterThanOrEqual(before.changedAt);
    expect(found.snapshot).toMatchObject({ version: 1, seq: 4 });
    const events = await store.events({ run: id, after: 2, limit: 10 });
    expect(events.map(({ type }) => type)).toEqual(['one', 'run.completed']);
  });

  test('a release changes the time of the status, an append does not', async (opened) => {
    const { store, advance, expect } = opened;
    const { id, ownership, record } = await held(store);
    await advance(5);
    await committed(store, ownership, { events: [event('one')] });
    expect((await loaded(store, id)).record.changedAt).toBe(record.changedAt);
    await committed(store, ownership, { expectedSeq: 3, release: parking() });
    expect((await loaded(store, id)).record.changedAt).toBeGreaterThan(record.changedAt);
  });

  test('a released run is not taken from the worker that had it', async ({ store, expect }) => {
    for (const release of [{ status: 'queued', resendMs: farMs }, parking()] as const) {
      const { id, worker, record } = await released(store, release);
      expect(await store.fleet.interrupt(interruption(worker))).toEqual([]);
      expect(plain((await loaded(store, id)).record)).toEqual(plain(record));
    }
  });

  test('a release forgets the losses before it', async ({ store, expect }) => {
    const { id, worker } = await held(store);
    await store.fleet.interrupt(interruption(worker));
    const { ownership, record } = await claimed(store, id);
    expect(record.losses).toBe(1);
    await committed(store, ownership, {
      expectedSeq: 4,
      release: { status: 'queued', resendMs: 0 },
    });
    expect((await loaded(store, id)).record.losses).toBe(0);
    expect((await dueOf(store, id))?.losses).toBe(0);
  });
}

function dueTimes(test: RunStoreTest): void {
  test('an ended run is due once keepMs are over, and not before', async (opened) => {
    const { store, expect } = opened;
    const keepMs = 60;
    const ends: readonly Release[] = [
      { status: 'completed', output: bytes('output'), keepMs },
      { status: 'failed', error: bytes('error'), keepMs },
      { status: 'cancelled', error: bytes('error'), keepMs },
    ];
    for (const release of ends) {
      const { id, record } = await released(store, release);
      const due = await eventually(opened, 'the run is due', () => dueOf(store, id));
      expect(due).toMatchObject({ run: id, status: release.status, fence: record.fence });
      expect(await storeTime(store)).toBeGreaterThanOrEqual(record.changedAt + keepMs);
    }
  });

  test('a run handed back is due after resendMs, and not before', async (opened) => {
    const { store, expect } = opened;
    const resendMs = 60;
    const { id, record } = await released(store, { status: 'queued', resendMs });
    const due = await eventually(opened, 'the run is due', () => dueOf(store, id));
    expect(due).toMatchObject({ run: id, status: 'queued', fence: record.fence });
    expect(await storeTime(store)).toBeGreaterThanOrEqual(record.changedAt + resendMs);
  });

  test('a waiting run is due when its time comes, and not before', async (opened) => {
    const { store, expect } = opened;
    const { id, record } = await released(store, parking({ wakeMs: 60 }));
    const due = await eventually(opened, 'the run is due', () => dueOf(store, id));
    expect(due).toMatchObject({ run: id, status: 'waiting', fence: record.fence });
    expect(await storeTime(store)).toBeGreaterThanOrEqual(record.wakeAt ?? Infinity);
  });
}

export const releaseTheme: RunStoreTheme = {
  name: 'release',
  parts: [statuses, together, dueTimes],
};
