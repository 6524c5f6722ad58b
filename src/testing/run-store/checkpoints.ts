import type { CheckpointMark } from '../../core/checkpoint.ts';
import type { Ownership, RunStore, Snapshot, SnapshotDelta } from '../../core/store.ts';
import {
  bytes,
  commit,
  committed,
  event,
  held,
  hex,
  loaded,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

/** What a save changes, as texts; undefined removes the field. */
type Change = Readonly<Record<string, string | undefined>>;

function delta(change: Change, marks: readonly CheckpointMark[] = []): SnapshotDelta {
  const entries = Object.entries(change);
  return {
    schema: 3,
    set: new Map(
      entries.flatMap(([key, text]) => (text === undefined ? [] : [[key, bytes(text)]])),
    ),
    remove: entries.flatMap(([key, text]) => (text === undefined ? [key] : [])),
    ...(marks.length === 0 ? {} : { checkpoints: { marks, bytes: 1234 } }),
  };
}

/** Commits one event and a save, as the owner; a list of marks keeps it. */
async function save(
  store: RunStore,
  ownership: Ownership,
  change: Change,
  marks: readonly CheckpointMark[] = [],
): Promise<void> {
  const snapshot = delta(change, marks);
  const expectedSeq = (await loaded(store, ownership.run)).record.seq;
  await committed(store, ownership, { expectedSeq, events: [event('worked')], snapshot });
}

function texts(snapshot: Snapshot | undefined): Record<string, string> | undefined {
  if (snapshot === undefined) return undefined;
  const entries = [...snapshot.fields];
  return Object.fromEntries(
    entries.map(([field, data]) => [field, Buffer.from(data).toString()] as const),
  );
}

function keeping(test: RunStoreTest): void {
  test('a checkpoint holds what the snapshot held, whatever is saved later', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await save(store, ownership, { a: 'a1', b: 'b1', gone: 'g1' });
    await save(store, ownership, { a: 'a2' }, [{ label: 'first' }]);
    await save(store, ownership, { a: 'a3', b: 'b3', late: 'l3', gone: undefined });
    await save(store, ownership, { a: 'a4', gone: 'g4' }, [{ label: 'second' }]);
    await save(store, ownership, { a: 'a5', late: undefined });
    const [second, first] = await store.checkpoints({ run: id, limit: 10 });
    expect(texts(await store.recall(id, first?.id ?? ''))).toEqual({
      a: 'a2',
      b: 'b1',
      gone: 'g1',
    });
    const later = { a: 'a4', b: 'b3', gone: 'g4', late: 'l3' };
    expect(texts(await store.recall(id, second?.id ?? ''))).toEqual(later);
    expect(texts((await loaded(store, id)).snapshot)).toEqual({ a: 'a5', b: 'b3', gone: 'g4' });
  });

  test('a field that was empty is told from one that was absent', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await save(store, ownership, { empty: '' }, [{}]);
    await save(store, ownership, { empty: 'full', absent: 'there' });
    const [kept] = await store.checkpoints({ run: id, limit: 1 });
    expect(texts(await store.recall(id, kept?.id ?? ''))).toEqual({ empty: '' });
  });

  test('the record says where and when it was kept, and with which words', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const metadata = Uint8Array.from([0, 255, 10]);
    await save(store, ownership, { a: '1' }, [{ label: 'half', node: 'ocr', metadata }]);
    const [kept] = await store.checkpoints({ run: id, limit: 10 });
    const { snapshot } = await loaded(store, id);
    expect(hex(kept?.metadata)).toBe(hex(metadata));
    expect({ ...kept, metadata: undefined }).toEqual({
      id: '1-0',
      seq: 3,
      version: 1,
      schema: 3,
      at: snapshot?.at,
      bytes: 1234,
      label: 'half',
      node: 'ocr',
      metadata: undefined,
    });
    const recalled = await store.recall(id, '1-0');
    expect({ ...recalled, fields: undefined }).toEqual({
      seq: 3,
      version: 1,
      schema: 3,
      at: snapshot?.at,
      fields: undefined,
    });
  });

  test('several marks of one commit are several checkpoints of one snapshot', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await save(store, ownership, { a: '1' }, [{ label: 'one' }, { label: 'two' }]);
    await save(store, ownership, { a: '2' });
    const kept = await store.checkpoints({ run: id, limit: 10 });
    expect(kept.map((one) => [one.id, one.label])).toEqual([
      ['1-1', 'two'],
      ['1-0', 'one'],
    ]);
    for (const one of kept) expect(texts(await store.recall(id, one.id))).toEqual({ a: '1' });
  });
}

function finding(test: RunStoreTest): void {
  test('checkpoints are listed by node, by label and in pages, the newest first', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    for (let i = 1; i <= 6; i++) {
      const mark = { node: i % 2 === 0 ? 'even' : 'odd', label: `number ${i}` };
      await save(store, ownership, { i: String(i) }, [mark]);
    }
    const labels = async (query: object): Promise<unknown> =>
      (await store.checkpoints({ run: id, limit: 10, ...query })).map(({ label }) => label);
    expect(await labels({ node: 'even' })).toEqual(['number 6', 'number 4', 'number 2']);
    expect(await labels({ label: 'number 3' })).toEqual(['number 3']);
    expect(await labels({ node: 'even', label: 'number 3' })).toEqual([]);
    expect(await labels({ limit: 2 })).toEqual(['number 6', 'number 5']);
    expect(await labels({ limit: 2, before: '5-0' })).toEqual(['number 4', 'number 3']);
    expect(await labels({ limit: 1, node: 'odd', before: '5-0' })).toEqual(['number 3']);
  });

  test('what was never kept is not found', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await save(store, ownership, { a: '1' });
    expect(await store.checkpoints({ run: id, limit: 10 })).toEqual([]);
    expect(await store.checkpoints({ run: newId('none'), limit: 10 })).toEqual([]);
    for (const absent of ['1-0', '7-0', '', '-', '*', '(1-0', '1']) {
      expect(await store.recall(id, absent)).toBe(undefined);
    }
    expect(await store.recall(newId('none'), '1-0')).toBe(undefined);
  });
}

function guarding(test: RunStoreTest): void {
  test('a stale owner keeps nothing, and a repeated commit keeps once', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const snapshot = delta({ a: '1' }, [{ label: 'mine' }]);
    const stale = { ...ownership, fence: ownership.fence - 1 };
    const refused = await store.commit(commit(stale, { events: [event('late')], snapshot }));
    expect(refused.outcome).toBe('fenced');
    expect(await store.checkpoints({ run: id, limit: 10 })).toEqual([]);
    const params = commit(ownership, { events: [event('worked')], snapshot });
    await store.commit(params);
    await store.commit(params);
    expect((await store.checkpoints({ run: id, limit: 10 })).length).toBe(1);
  });
}

export const checkpointsTheme: RunStoreTheme = {
  name: 'checkpoints',
  parts: [keeping, finding, guarding],
};
