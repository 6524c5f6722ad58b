import type { Ownership, Release, RunStore } from '../../core/store.ts';
import {
  bytes,
  type Claimed,
  claimed,
  commit,
  committed,
  created,
  event,
  everything,
  farMs,
  held,
  interruption,
  loaded,
  newId,
  plain,
  storeTime,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

const far = 1_000;

function save(text: string): { schema: number; set: Map<string, Uint8Array>; remove: string[] } {
  return { schema: 1, set: new Map([['state:text', bytes(text)]]), remove: [] };
}

/** A run at work whose log is 1–8 and whose snapshot covers 1–6. */
async function worked(store: RunStore): Promise<Claimed & { id: string; worker: string }> {
  const run = await held(store);
  const events = ['three', 'four', 'five', 'six'].map((type) => event(type));
  await committed(store, run.ownership, { events, snapshot: save('six') });
  const tail = [event('seven'), event('eight')];
  await committed(store, run.ownership, { expectedSeq: 6, events: tail });
  return run;
}

async function seqs(store: RunStore, run: string, after = 0): Promise<number[]> {
  return (await store.events({ run, after, limit: 100 })).map(({ seq }) => seq);
}

async function handBack(store: RunStore, owner: Ownership, expectedSeq: number): Promise<void> {
  const release = { status: 'queued', resendMs: farMs } as const;
  await committed(store, owner, { expectedSeq, release });
}

function compacted(test: RunStoreTest): void {
  test('compaction drops what the snapshot covers, and says where the log begins', async (opened) => {
    const { store, expect } = opened;
    const { id } = await worked(store);
    const { archive } = store;
    const before = await loaded(store, id);
    expect(before.record.firstSeq).toBe(1);
    const outcome = await archive.compact({ run: id, limit: far });
    expect(outcome).toEqual({ outcome: 'compacted', firstSeq: 7, dropped: 6, more: false });
    expect(await seqs(store, id)).toEqual([7, 8]);
    expect(await seqs(store, id, 3)).toEqual([7, 8]);
    expect(await seqs(store, id, 7)).toEqual([8]);
    const after = await loaded(store, id);
    const tail = bytes('seven').length + bytes('eight').length;
    expect(plain(after.record)).toEqual(plain({ ...before.record, firstSeq: 7, bytes: tail }));
    expect(plain({ ...after, record: 0 })).toEqual(plain({ ...before, record: 0 }));
    const again = await archive.compact({ run: id, limit: far });
    expect(again).toEqual({ outcome: 'compacted', firstSeq: 7, dropped: 0, more: false });
  });

  test('compaction goes in slices, and no further than it was told', async ({ store, expect }) => {
    const { id: run } = await worked(store);
    const slice = { run, upTo: 5, limit: 2 };
    const answers: unknown[] = [];
    for (let i = 0; i < 4; i++) answers.push(await store.archive.compact(slice));
    const answer = (firstSeq: number, dropped: number, more: boolean): object => ({
      outcome: 'compacted',
      firstSeq,
      dropped,
      more,
    });
    expect(answers).toEqual([
      answer(3, 2, true),
      answer(5, 2, true),
      answer(6, 1, false),
      answer(6, 0, false),
    ]);
    expect(await seqs(store, run)).toEqual([6, 7, 8]);
  });

  test('without a snapshot nothing is dropped, and the newest event always stays', async (opened) => {
    const { store, expect } = opened;
    const { id: run, ownership, worker } = await held(store);
    const none = await store.archive.compact({ run, limit: far });
    expect(none).toEqual({ outcome: 'compacted', firstSeq: 1, dropped: 0, more: false });
    await committed(store, ownership, { events: [event('three')], snapshot: save('three') });
    await store.archive.compact({ run, limit: far });
    expect(await seqs(store, run)).toEqual([3]);
    // The newest event is a sign of life that an interrupt looks for.
    const [taken] = await store.fleet.interrupt(interruption(worker));
    expect(taken?.status).toBe('interrupted');
    expect(await seqs(store, run)).toEqual([3, 4]);
    const missing = await store.archive.compact({ run: newId('none'), limit: far });
    expect(missing).toEqual({ outcome: 'missing' });
  });
}

/** Many fields, some removed since; the run is over. */
async function endedWithFields(store: RunStore, keep: boolean): Promise<string> {
  const { id, ownership } = await held(store);
  const set = new Map(Array.from({ length: 20 }, (_, i) => [`state:k${i}`, bytes(`value ${i}`)]));
  const marks = keep ? { checkpoints: { marks: [{}], bytes: 1 } } : {};
  await committed(store, ownership, { snapshot: { schema: 1, set, remove: [], ...marks } });
  const change = { schema: 1, set: new Map([['step:s', bytes('s')]]), remove: ['state:k3'] };
  const events = [event('three')];
  await committed(store, ownership, { events, snapshot: change });
  const release = { status: 'failed', error: bytes('why'), keepMs: farMs } as const;
  await committed(store, ownership, { expectedSeq: 3, events: [event('end')], release });
  return id;
}

function packed(test: RunStoreTest): void {
  for (const keep of [false, true]) {
    const which = keep ? ' and a checkpoint' : '';
    test(`the snapshot of a run that is over${which} says the same after a compaction`, async (opened) => {
      const { store, expect } = opened;
      const id = await endedWithFields(store, keep);
      const before = await loaded(store, id);
      const checkpoint = keep ? await store.recall(id, '1-0') : undefined;
      expect(before.snapshot?.fields.size).toBe(20);
      for (const _ of ['once', 'again']) {
        await store.archive.compact({ run: id, limit: far });
        expect(plain((await loaded(store, id)).snapshot)).toEqual(plain(before.snapshot));
        if (keep) expect(plain(await store.recall(id, '1-0'))).toEqual(plain(checkpoint));
      }
      // Tried again, it is saved as if nothing had been.
      expect((await store.resume(id, bytes('again'))).outcome).toBe('resumed');
      const { ownership, record, snapshot } = await claimed(store, id);
      expect(plain(snapshot)).toEqual(plain(before.snapshot));
      const set = new Map([['state:k4', bytes('other')]]);
      const change = { schema: 1, set, remove: ['state:k5'] };
      await committed(store, ownership, { expectedSeq: record.seq, snapshot: change });
      const fields = new Map([...(before.snapshot?.fields ?? []), ...set]);
      fields.delete('state:k5');
      const sorted = (all: Iterable<readonly [string, Uint8Array]>): unknown =>
        plain([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
      const after = (await loaded(store, id)).snapshot?.fields ?? [];
      expect(sorted(after)).toEqual(sorted(fields));
      if (keep) expect(plain(await store.recall(id, '1-0'))).toEqual(plain(checkpoint));
    });
  }
}

function goingOn(test: RunStoreTest): void {
  test('the owner writes on, and whoever claims next finds all it needs', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await worked(store);
    await store.archive.compact({ run: id, limit: far });
    expect(await committed(store, ownership, { expectedSeq: 8, events: [event('nine')] })).toBe(9);
    const next = { expectedSeq: 9, events: [event('ten')], snapshot: save('ten') };
    expect(await committed(store, ownership, next)).toBe(10);
    await store.archive.compact({ run: id, limit: far });
    await handBack(store, ownership, 10);
    const again = await claimed(store, id);
    expect(again.record).toMatchObject({ seq: 11, firstSeq: 10, snapshotSeq: 10, version: 2 });
    expect(plain(again.snapshot?.fields)).toEqual(plain(save('ten').set));
    expect(again.events.map(({ seq, type }) => [seq, type])).toEqual([[11, 'run.claimed']]);
  });

  test('a stale owner is refused, also where its events were', async ({ store, expect }) => {
    const { id, ownership, worker } = await worked(store);
    await store.fleet.interrupt(interruption(worker));
    const next = await claimed(store, id);
    const params = { expectedSeq: next.record.seq, events: [], snapshot: save('new') };
    await committed(store, next.ownership, params);
    await store.archive.compact({ run: id, limit: far });
    const before = await everything(store, id);
    for (const expectedSeq of [2, 6, 8]) {
      const stale = commit(ownership, { expectedSeq, events: [event('late')] });
      const refused = await store.commit(stale);
      const { fence } = next.ownership;
      expect(refused).toEqual({ outcome: 'fenced', fence, applied: false });
    }
    expect(await everything(store, id)).toEqual(before);
  });
}

/** A server sets memory aside in a short stream, and counts it: what is written first may take it, and add nothing. */
const headerBytes = 4_096;

function measured(test: RunStoreTest): void {
  test('each kind of bytes grows with what is written, and shrinks with what is dropped', async (opened) => {
    const { store, expect } = opened;
    const { archive } = store;
    const { id: run, ownership } = await held(store, { create: { input: new Uint8Array(5_000) } });
    const sizes = async (): Promise<Record<string, number>> => ({
      ...(await archive.measure(run)),
    });
    type Sizes = Awaited<ReturnType<typeof sizes>>;
    const between = (less: Sizes, more: Sizes, kind: string): number =>
      (more[kind] ?? 0) - (less[kind] ?? 0);
    const first = await sizes();
    expect(first['record']).toBeGreaterThanOrEqual(5_000);
    const big = (size: number): Map<string, Uint8Array> =>
      new Map([['state:big', new Uint8Array(size)]]);
    const keep = { marks: [{}], bytes: 1 };
    await committed(store, ownership, {
      events: [event('big', new Uint8Array(50_000))],
      snapshot: { schema: 1, set: big(40_000), remove: [], checkpoints: keep },
    });
    const second = await sizes();
    expect(between(first, second, 'log')).toBeGreaterThanOrEqual(50_000 - headerBytes);
    expect(between(first, second, 'snapshot')).toBeGreaterThanOrEqual(40_000);
    const snapshot = { schema: 1, set: big(30_000), remove: [] };
    await committed(store, ownership, { expectedSeq: 3, events: [event('four')], snapshot });
    const third = await sizes();
    expect(between(second, third, 'checkpoints')).toBeGreaterThanOrEqual(40_000 - headerBytes);
    await store.post({ run, id: 'm', kind: 'signal', name: 's', data: new Uint8Array(20_000) });
    expect((await sizes())['inbox']).toBeGreaterThanOrEqual(20_000);
    await archive.compact({ run, limit: far });
    await archive.forget(run, ['1-0']);
    const last = await sizes();
    expect(between(last, third, 'log')).toBeGreaterThanOrEqual(50_000 - headerBytes);
    expect(between(last, third, 'checkpoints')).toBeGreaterThanOrEqual(40_000 - headerBytes);
    expect(await archive.measure(newId('none'))).toBe(undefined);
  });

  test('the time it tells is that of its records', async ({ store, expect }) => {
    const before = await storeTime(store);
    const now = await store.observation.now();
    const after = await storeTime(store);
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(after);
  });

  test('runs are counted, all and by workflow', async ({ store, expect }) => {
    const workflow = newId('flow').slice(0, 40);
    expect(await store.archive.count(workflow)).toBe(0);
    const ids = [await created(store, { workflow }), await created(store, { workflow })];
    expect(await store.archive.count(workflow)).toBe(2);
    expect(await store.archive.count()).toBeGreaterThanOrEqual(2);
    await store.delete(ids[0] ?? '');
    expect(await store.archive.count(workflow)).toBe(1);
  });
}

const completed: Release = { status: 'completed', output: bytes('output'), keepMs: farMs };
const failed: Release = { status: 'failed', error: bytes('error'), keepMs: farMs };

function removed(test: RunStoreTest): void {
  test('an unchanged run is removed without a trace', async ({ store, traces, expect }) => {
    const { id: run, ownership } = await worked(store);
    await committed(store, ownership, { expectedSeq: 8, release: completed });
    await store.archive.compact({ run, limit: far });
    const { record: unchanged } = await loaded(store, run);
    const { status, fence, seq } = unchanged;
    const others = [
      { status: 'failed' as const, fence, seq },
      { status, fence: fence - 1, seq },
      { status, fence, seq: seq - 1 },
    ];
    for (const other of others) {
      const refused = await store.archive.remove({ run, unchanged: other });
      expect(refused).toEqual({ outcome: 'changed' });
    }
    expect(await store.archive.remove({ run, unchanged })).toEqual({ outcome: 'removed' });
    expect(await traces(run)).toEqual([]);
    expect(await store.archive.remove({ run, unchanged })).toEqual({ outcome: 'missing' });
  });

  test('a run that was retried, claimed or begun anew meanwhile is left as it is', async (opened) => {
    const { store, advance, expect } = opened;
    const { id: run, ownership } = await worked(store);
    await committed(store, ownership, { expectedSeq: 8, release: failed });
    const { record: unchanged } = await loaded(store, run);
    const isKept = async (): Promise<void> => {
      const before = await everything(store, run);
      expect(await store.archive.remove({ run, unchanged })).toEqual({ outcome: 'changed' });
      expect(await everything(store, run)).toEqual(before);
    };
    await store.resume(run, bytes('retry'));
    await isKept();
    const { record } = await claimed(store, run);
    await isKept();
    const running = await store.archive.remove({ run, unchanged: record });
    expect(running).toEqual({ outcome: 'changed' });
    await store.fleet.interrupt(interruption(record.worker ?? ''));
    await store.delete(run);
    await advance(1);
    await created(store, { run });
    await isKept();
  });

  test('a run whose parent was not told of its end is left as it is', async ({ store, expect }) => {
    const parent = await created(store);
    const { id: run, ownership } = await held(store, { create: { parent } });
    await committed(store, ownership, { release: completed });
    const { record: unchanged } = await loaded(store, run);
    expect(await store.archive.remove({ run, unchanged })).toEqual({ outcome: 'notifyPending' });
    await store.parentNotified(run, unchanged);
    expect(await store.archive.remove({ run, unchanged })).toEqual({ outcome: 'removed' });
  });
}

export const archiveTheme: RunStoreTheme = {
  name: 'archive',
  parts: [compacted, packed, goingOn, measured, removed],
};
