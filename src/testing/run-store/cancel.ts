import { eventually } from '../eventually.ts';
import {
  cancellation,
  checkWhole,
  endedRuns,
  idleRuns,
  message,
  quarantined,
  released,
  waiting,
  wakeUpOf,
} from './messages.ts';
import {
  bytes,
  claimed,
  claiming,
  committed,
  created,
  dueOf,
  everyByte,
  everything,
  farMs,
  held,
  hex,
  interruption,
  loaded,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
  storeTime,
} from './opened.ts';

function unbegun(test: RunStoreTest): void {
  test('a run that was never claimed is over at once, with event and error', async (opened) => {
    const { store, expect } = opened;
    const workflow = newId('w').slice(0, 30);
    const run = await created(store, { workflow });
    const before = await loaded(store, run);
    const params = cancellation(run, { data: everyByte, error: bytes('the error') });
    expect(await store.cancel(params)).toEqual({ outcome: 'cancelled' });
    const { record, events } = await loaded(store, run);
    expect(record).toMatchObject({ status: 'cancelled', seq: 2, worker: undefined });
    expect(record.fence).toBeGreaterThan(before.record.fence);
    expect(hex(record.error)).toBe(hex(bytes('the error')));
    expect(events[1]).toMatchObject({ type: 'run.cancelled', fence: record.fence });
    expect(hex(events[1]?.data)).toBe(hex(everyByte));
    expect(await store.claim(claiming(run))).toEqual({
      outcome: 'notClaimable',
      status: 'cancelled',
    });
    expect(await store.readInbox(run)).toEqual({ messages: [], paused: false });
    await checkWhole(store, expect, run);
    const listed = await store.lists.runs({ status: 'cancelled', workflow, limit: 10 });
    expect(listed.runs.map(({ id }) => id)).toEqual([run]);
    expect((await store.lists.runs({ status: 'queued', workflow, limit: 10 })).runs).toEqual([]);
  });

  test('it is kept for keepMs, and due then', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store, { resendMs: 0 });
    await store.cancel(cancellation(run, { keepMs: 60 }));
    const { record } = await loaded(store, run);
    const due = await eventually(opened, 'the run is due', () => dueOf(store, run));
    expect(due).toMatchObject({ run, status: 'cancelled' });
    expect(await storeTime(store)).toBeGreaterThanOrEqual(record.changedAt + 60);
  });

  test('a quarantined run and a paused one that never began are over at once, too', async (opened) => {
    const { store, expect } = opened;
    const paused = await created(store);
    await store.pause(paused, bytes('why'));
    for (const run of [await quarantined(store), paused]) {
      expect(await store.cancel(cancellation(run))).toEqual({ outcome: 'cancelled' });
      const { record } = await loaded(store, run);
      expect(record).toMatchObject({ status: 'cancelled', paused: false });
      expect(hex(record.error)).toBe(hex(bytes('cancelled')));
      await checkWhole(store, expect, run);
    }
  });
}

function begun(test: RunStoreTest): void {
  test('a run that has begun is told by a message, and is due if nobody holds it', async (opened) => {
    const { store, expect } = opened;
    for (const { id, what } of (await idleRuns(store)).slice(1)) {
      const before = await everything(store, id);
      const params = cancellation(id, { data: everyByte });
      const wakeUp = await wakeUpOf(store, id);
      expect(await store.cancel(params), what).toEqual({ outcome: 'asked', wakeUp });
      expect(await everything(store, id), what).toEqual(before);
      expect((await dueOf(store, id))?.run, what).toBe(id);
      const { messages } = await claimed(store, id);
      expect(messages.length, what).toBe(1);
      expect(messages[0]).toMatchObject({ kind: 'cancel', name: '', id: params.id });
      expect(hex(messages[0]?.data)).toBe(hex(everyByte));
    }
  });

  test('a run at work is told by a message, and stays its owner’s', async ({ store, expect }) => {
    const { id } = await held(store);
    const before = await everything(store, id);
    const wakeUp = await wakeUpOf(store, id);
    expect(await store.cancel(cancellation(id))).toEqual({ outcome: 'asked', wakeUp });
    expect(await everything(store, id)).toEqual(before);
    expect((await store.readInbox(id)).messages.map(({ kind }) => kind)).toEqual(['cancel']);
    expect(await dueOf(store, id)).toBe(undefined);
  });

  test('it stands in line with the other messages', async ({ store, expect }) => {
    const { id } = await held(store);
    await store.post(message(id));
    await store.cancel(cancellation(id));
    await store.post(message(id));
    const kinds = (await store.readInbox(id)).messages.map(({ kind }) => kind);
    expect(kinds).toEqual(['signal', 'cancel', 'signal']);
  });

  test('a paused run is not paused any more, so that it can hear of it', async (opened) => {
    const { store, expect } = opened;
    const atWork = await held(store);
    for (const run of [await waiting(store), atWork.id]) {
      await store.pause(run, bytes('why'));
      expect((await store.cancel(cancellation(run))).outcome).toBe('asked');
      expect((await store.record(run))?.paused).toBe(false);
      expect((await store.readInbox(run)).paused).toBe(false);
    }
  });
}

function repeated(test: RunStoreTest): void {
  test('the same request again changes nothing', async ({ store, expect }) => {
    const asked = await waiting(store);
    const over = await created(store);
    for (const [run, outcome] of [
      [asked, 'asked'],
      [over, 'cancelled'],
    ] as const) {
      const params = cancellation(run);
      const first = await store.cancel(params);
      expect(first.outcome).toBe(outcome);
      const before = await everything(store, run);
      expect(await store.cancel(params)).toEqual(first);
      expect(await everything(store, run)).toEqual(before);
    }
    expect((await store.readInbox(asked)).messages.length).toBe(1);
  });

  test('a run that has ended, or is not there, is not cancelled', async ({ store, expect }) => {
    for (const { id, status } of await endedRuns(store)) {
      const before = await everything(store, id);
      expect(await store.cancel(cancellation(id))).toEqual({ outcome: 'ended', status });
      expect(await everything(store, id)).toEqual(before);
    }
    expect(await store.cancel(cancellation(newId('run')))).toEqual({ outcome: 'missing' });
  });

  test('a claim and a cancel at the same time: the run is asked, or over', async (opened) => {
    const { store, expect } = opened;
    for (let round = 0; round < 10; round++) {
      const run = await created(store);
      const calls = [
        () => store.claim(claiming(run)),
        () => store.cancel(cancellation(run)),
      ] as const;
      const outcomes =
        round % 2 === 0
          ? await Promise.all(calls.map((call) => call()))
          : await Promise.all(calls.toReversed().map((call) => call()));
      const kinds = outcomes.map(({ outcome }) => outcome).sort();
      const { record } = await loaded(store, run);
      if (record.status === 'running') {
        expect(kinds).toEqual(['asked', 'claimed']);
        expect((await store.readInbox(run)).messages.length).toBe(1);
      } else {
        expect(kinds).toEqual(['cancelled', 'notClaimable']);
        expect(record.status).toBe('cancelled');
      }
      await checkWhole(store, expect, run);
    }
  });

  test('of many cancels with one id there is one', async ({ store, expect }) => {
    for (const run of [
      await created(store),
      await released(store, { status: 'queued', resendMs: farMs }),
    ]) {
      const params = cancellation(run);
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.cancel(params)));
      expect(new Set(outcomes.map(({ outcome }) => outcome)).size).toBe(1);
      const { messages } = await store.readInbox(run);
      const { events } = await loaded(store, run);
      const cancels = events.filter(({ type }) => type === 'run.cancelled');
      expect(messages.length + cancels.length).toBe(1);
      await checkWhole(store, expect, run);
    }
  });
}

function outlived(test: RunStoreTest): void {
  const failed = { status: 'failed', error: bytes('error'), keepMs: farMs } as const;

  test('a cancel from before a failure does not end the run that is resumed', async (opened) => {
    const { store, expect } = opened;
    for (const isTaken of [false, true]) {
      const { id, ownership } = await held(store);
      const params = cancellation(id);
      await store.post(message(id));
      await store.cancel(params);
      const taken = isTaken ? { taken: [params.id] } : {};
      await committed(store, ownership, { ...taken, release: failed });
      await store.resume(id, bytes('again'));
      const next = await claimed(store, id);
      expect(next.messages.map(({ kind }) => kind)).toEqual(['signal']);
      // Whoever asks for the same once more means the run of now.
      expect((await store.cancel(params)).outcome).toBe('asked');
      const { messages } = await store.readInbox(id);
      expect(messages.map(({ kind }) => kind)).toEqual(['signal', 'cancel']);
    }
  });

  test('nor the one that was quarantined', async ({ store, expect }) => {
    const { id, ownership, worker } = await held(store);
    await store.cancel(cancellation(id));
    expect(ownership.run).toBe(id);
    await store.fleet.interrupt(interruption(worker, { quarantineAfter: 1, evidence: id }));
    await store.resume(id, bytes('again'));
    expect((await claimed(store, id)).messages).toEqual([]);
  });

  test('a cancel is not forgotten when a paused run is resumed', async ({ store, expect }) => {
    const run = await waiting(store);
    await store.cancel(cancellation(run));
    await store.pause(run, bytes('why'));
    await store.resume(run, bytes('go'));
    expect((await claimed(store, run)).messages.map(({ kind }) => kind)).toEqual(['cancel']);
  });

  test('while one cancel waits to be heard, another one adds nothing', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const [first, second] = [cancellation(id), cancellation(id)];
    for (const params of [first, second, second]) {
      expect((await store.cancel(params)).outcome).toBe('asked');
    }
    expect((await store.readInbox(id)).messages.map((one) => one.id)).toEqual([first.id]);
    await committed(store, ownership, { taken: [first.id] });
    expect((await store.cancel(second)).outcome).toBe('asked');
    expect((await store.readInbox(id)).messages).toEqual([]);
    await store.cancel(cancellation(id));
    expect((await store.readInbox(id)).messages.length).toBe(1);
  });
}

export const cancelTheme: RunStoreTheme = {
  name: 'cancel',
  parts: [unbegun, begun, repeated, outlived],
};
