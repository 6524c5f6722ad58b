import { setImmediate as turn } from 'node:timers/promises';
import { fixedLimits } from '../../core/limits.ts';
import type { SnapshotDelta } from '../../core/store.ts';
import { rounds } from '../eventually.ts';
import {
  bytes,
  commit,
  committed,
  event,
  everyByte,
  everything,
  everyWrite,
  held,
  hex,
  loaded,
  newId,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

function delta(
  set: Readonly<Record<string, string>>,
  remove: readonly string[] = [],
): SnapshotDelta {
  const entries = Object.entries(set).map(([key, text]) => [key, bytes(text)] as const);
  return { schema: 1, set: new Map(entries), remove };
}

function appends(test: RunStoreTest): void {
  test('events get dense seqs, the owner’s fence and the time of the commit', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership, events: before } = await held(store);
    const events = [event('one'), { ...event('two'), branch: 'left' }, event('three')];
    const outcome = await store.commit(commit(ownership, { events }));
    expect(outcome).toEqual({ outcome: 'committed', seq: 5, version: 0 });
    const stored = await store.events({ run: id, after: 2, limit: 10 });
    const { fence } = ownership;
    const at = stored[0]?.at ?? 0;
    expect(plain(stored)).toEqual(
      plain([
        { seq: 3, type: 'one', data: bytes('one'), fence, at, more: true },
        { seq: 4, type: 'two', data: bytes('two'), fence, at, branch: 'left', more: true },
        { seq: 5, type: 'three', data: bytes('three'), fence, at },
      ]),
    );
    expect(at).toBeGreaterThanOrEqual(before[1]?.at ?? Infinity);
  });

  test('events behind which another one of their commit stands are marked', async (opened) => {
    const { store, expect } = opened;
    // Both ways to write: with and without a snapshot; and the commit of one that lets go.
    for (const snapshot of [undefined, delta({})]) {
      const { id, ownership } = await held(store);
      const write = { ...(snapshot && { snapshot }) };
      await committed(store, ownership, { events: [event('alone')], ...write });
      const three = [event('first'), { ...event('second'), branch: 'left' }, event('third')];
      await committed(store, ownership, { expectedSeq: 3, events: three, ...write });
      const release = { status: 'queued', resendMs: 1000 } as const;
      const two = [event('last but one'), event('last')];
      await committed(store, ownership, { expectedSeq: 6, events: two, release, ...write });
      const stored = await store.events({ run: id, after: 0, limit: 10 });
      expect(stored.flatMap(({ more, type }) => (more === true ? [type] : []))).toEqual([
        'first',
        'second',
        'last but one',
      ]);
    }
  });

  test('event data is kept byte by byte, also when it is empty or large', async (opened) => {
    const { store, expect } = opened;
    const large = Uint8Array.from({ length: 256 * 1024 }, (_, i) => (i * 31) % 256);
    const all = [everyByte, new Uint8Array(), large, everyByte.subarray(100, 140)];
    // Both ways to write: with and without a snapshot.
    for (const snapshot of [undefined, delta({})]) {
      const { id, ownership } = await held(store);
      const events = all.map((data) => event('bytes', data));
      await committed(store, ownership, { events, ...(snapshot && { snapshot }) });
      const stored = await store.events({ run: id, after: 2, limit: 10 });
      expect(stored.map(({ data }) => hex(data))).toEqual(all.map(hex));
    }
  });

  test('the record counts events and the bytes of their data', async ({ store, expect }) => {
    const { id, ownership, record } = await held(store);
    await committed(store, ownership, { events: [event('a', everyByte), event('b', bytes('12'))] });
    const snapshot = delta({ 'state:a': 'not counted' });
    await committed(store, ownership, {
      expectedSeq: 4,
      events: [event('c', bytes('3'))],
      snapshot,
    });
    const after = (await loaded(store, id)).record;
    expect(after).toMatchObject({ seq: 5, bytes: record.bytes + 256 + 2 + 1, status: 'running' });
    expect(after.changedAt).toBe(record.changedAt);
  });

  test('as many events as one commit may have are kept in order', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const types = Array.from({ length: fixedLimits.eventsPerCommit }, (_, i) => `event-${i}`);
    const seq = await committed(store, ownership, { events: types.map((type) => event(type)) });
    expect(seq).toBe(2 + types.length);
    const stored = await store.events({ run: id, after: 2, limit: 500 });
    expect(stored.map(({ type }) => type)).toEqual(types);
    expect(stored.map((one) => one.seq)).toEqual(types.map((_, i) => i + 3));
  });

  test('a commit of nothing is a commit', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const before = await everything(store, id);
    const outcome = await store.commit(commit(ownership));
    expect(outcome).toEqual({ outcome: 'committed', seq: 2, version: 0 });
    expect(await everything(store, id)).toEqual(before);
  });
}

function snapshots(test: RunStoreTest): void {
  test('a snapshot covers the events of its commit and carries its schema', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const snapshot = { schema: 7, set: new Map([['state:a', everyByte]]), remove: [] };
    const outcome = await store.commit(commit(ownership, { events: [event('one')], snapshot }));
    expect(outcome).toEqual({ outcome: 'committed', seq: 3, version: 1 });
    const found = await loaded(store, id);
    const at = (await store.events({ run: id, after: 2, limit: 1 }))[0]?.at;
    expect(plain(found.snapshot)).toEqual(
      plain({ version: 1, seq: 3, schema: 7, at, fields: { 'state:a': everyByte } }),
    );
    expect(found.record).toMatchObject({ version: 1, snapshotSeq: 3, seq: 3 });
    expect(found.events).toEqual([]);
  });

  test('a later snapshot sets, replaces and removes fields, and leaves the others', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const first = delta({ 'state:kept': '1', 'state:replaced': '1', 'state:removed': '1' });
    await committed(store, ownership, { snapshot: first });
    const second = delta({ 'state:replaced': '2', 'step:new': '2' }, ['state:removed']);
    await committed(store, ownership, { snapshot: { ...second, schema: 2 } });
    const { snapshot } = await loaded(store, id);
    expect(snapshot).toMatchObject({ version: 2, seq: 2, schema: 2 });
    expect(plain(snapshot?.fields)).toEqual(
      plain({ 'state:kept': bytes('1'), 'state:replaced': bytes('2'), 'step:new': bytes('2') }),
    );
  });

  test('a snapshot may change nothing, and remove what is not there', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const first = await store.commit(commit(ownership, { snapshot: delta({}, ['state:absent']) }));
    expect(first).toEqual({ outcome: 'committed', seq: 2, version: 1 });
    await committed(store, ownership, { events: [event('one')], snapshot: delta({}) });
    const { snapshot, record } = await loaded(store, id);
    expect(snapshot).toMatchObject({ version: 2, seq: 3 });
    expect(snapshot?.fields.size).toBe(0);
    expect(record).toMatchObject({ version: 2, snapshotSeq: 3 });
  });

  test('fields of a snapshot may be named like anything', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const names = [
      'state:seq',
      'state:',
      'step:a b: "c"',
      'step:ü\u{1F4BE}',
      'state:__proto__',
      'step:\\',
    ];
    const set = new Map(names.map((name) => [name, bytes(name)]));
    await committed(store, ownership, { snapshot: { schema: 1, set, remove: [] } });
    const { snapshot } = await loaded(store, id);
    expect([...(snapshot?.fields.keys() ?? [])].sort()).toEqual([...names].sort());
    for (const name of names) expect(hex(snapshot?.fields.get(name))).toBe(hex(bytes(name)));
  });

  test('events appended later leave the snapshot where it is', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    await committed(store, ownership, { snapshot: delta({ 'state:a': '1' }) });
    const outcome = await store.commit(commit(ownership, { events: [event('one')] }));
    expect(outcome).toEqual({ outcome: 'committed', seq: 3, version: 1 });
    const found = await loaded(store, id);
    expect(found.snapshot).toMatchObject({ version: 1, seq: 2 });
    expect(found.record).toMatchObject({ version: 1, snapshotSeq: 2, seq: 3 });
    expect(found.events.map(({ type }) => type)).toEqual(['one']);
  });
}

function refusals(test: RunStoreTest): void {
  test('a commit that is ahead of the log is refused: there would be a gap', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await committed(store, ownership, { events: [event('one')] });
    const before = await everything(store, id);
    for (const expectedSeq of [4, 5, 1000]) {
      for (const [what, write] of everyWrite()) {
        const outcome = await store.commit(commit(ownership, { ...write, expectedSeq }));
        expect(outcome, what).toEqual({ outcome: 'conflict', seq: 3 });
      }
    }
    expect(await everything(store, id)).toEqual(before);
  });

  test('a commit that is behind the log is refused: it would overwrite', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await committed(store, ownership, { events: [event('one')] });
    const before = await everything(store, id);
    for (const expectedSeq of [0, 1, 2]) {
      for (const [what, write] of everyWrite()) {
        const outcome = await store.commit(commit(ownership, { ...write, expectedSeq }));
        expect(outcome, what).toEqual({ outcome: 'conflict', seq: 3 });
      }
    }
    expect(await everything(store, id)).toEqual(before);
  });

  test('the owner goes on after a conflict', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    await store.commit(commit(ownership, { expectedSeq: 9, events: [event('lost')] }));
    await committed(store, ownership, { events: [event('kept')] });
    const stored = await store.events({ run: id, after: 2, limit: 10 });
    expect(stored.map(({ seq, type }) => [seq, type])).toEqual([[3, 'kept']]);
  });

  test('a commit to a run that is not there is missing, and makes none', async (opened) => {
    const { store, expect } = opened;
    const run = newId('run');
    const nobody = { run, fence: 1, owner: newId('token') };
    for (const [what, write] of everyWrite()) {
      expect(await store.commit(commit(nobody, write)), what).toEqual({ outcome: 'missing' });
    }
    expect(await store.record(run)).toBe(undefined);
    expect(await store.events({ run, after: 0, limit: 10 })).toEqual([]);
  });
}

function atomicity(test: RunStoreTest): void {
  test('whoever reads meanwhile finds log and snapshot telling the same', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const lastSeq = 2 + 2 * 40;
    const read = async (): Promise<number> => {
      for (const looks of rounds('reading', 100_000)) {
        const { record, snapshot, events } = await loaded(store, id);
        expect(snapshot?.seq ?? 0).toBe(record.snapshotSeq);
        expect(snapshot?.version ?? 0).toBe(record.version);
        if (snapshot !== undefined) {
          expect(hex(snapshot.fields.get('state:seq'))).toBe(hex(bytes(String(snapshot.seq))));
          expect(record.seq).toBe(snapshot.seq);
          expect(events).toEqual([]);
        }
        if (record.seq === lastSeq) return looks;
        await turn();
      }
      return 0;
    };
    const reads = [read(), read(), read()];
    for (let seq = 2; seq < lastSeq; seq += 2) {
      const snapshot = delta({ 'state:seq': String(seq + 2) });
      const events = [event('one'), event('two')];
      await committed(store, ownership, { expectedSeq: seq, events, snapshot });
      await turn();
    }
    for (const looks of await Promise.all(reads)) expect(looks).toBeGreaterThan(0);
  });
}

export const commitTheme: RunStoreTheme = {
  name: 'commit',
  parts: [appends, snapshots, refusals, atomicity],
};
