import type { Ownership, RunStore, Snapshot, SnapshotDelta } from '../../core/store.ts';
import {
  bytes,
  commit,
  committed,
  event,
  everyByte,
  everything,
  held,
  hex,
  loaded,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

type Texts = Readonly<Record<string, string>>;

function full(fields: Texts, label?: string): SnapshotDelta {
  return { ...partial(fields, [], label), full: true };
}

function partial(fields: Texts, remove: readonly string[] = [], label?: string): SnapshotDelta {
  const set = new Map(Object.entries(fields).map(([name, text]) => [name, bytes(text)]));
  const keep = label === undefined ? {} : { checkpoints: { marks: [{ label }], bytes: 12 } };
  return { schema: 1, set, remove, ...keep };
}

function texts(snapshot: Snapshot | undefined): Texts {
  const entries = [...(snapshot?.fields ?? [])];
  return Object.fromEntries(entries.map(([name, data]) => [name, Buffer.from(data).toString()]));
}

async function found(store: RunStore, run: string): Promise<Texts> {
  return texts((await loaded(store, run)).snapshot);
}

function saving(test: RunStoreTest): void {
  test('a full save drops every field that it does not set', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    await committed(store, ownership, { snapshot: partial({ a: 'a1', b: 'b1' }) });
    await committed(store, ownership, { snapshot: full({ b: 'b2', c: 'c2' }) });
    expect(await found(store, id)).toEqual({ b: 'b2', c: 'c2' });
    await committed(store, ownership, { snapshot: full({ d: 'd3' }) });
    expect(await found(store, id)).toEqual({ d: 'd3' });
    await committed(store, ownership, { snapshot: full({}) });
    expect((await loaded(store, id)).snapshot).toMatchObject({ version: 4, seq: 2, schema: 1 });
    expect(await found(store, id)).toEqual({});
  });

  test('a partial save after a full one changes its fields, and no others', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await committed(store, ownership, { snapshot: full({ a: 'a1', b: 'b1', c: 'c1', d: '' }) });
    await committed(store, ownership, { snapshot: partial({ b: 'b2' }, ['c', 'absent']) });
    expect(await found(store, id)).toEqual({ a: 'a1', b: 'b2', d: '' });
    await committed(store, ownership, { snapshot: partial({}, ['a', 'b', 'd']) });
    expect(await found(store, id)).toEqual({});
    await committed(store, ownership, { snapshot: full({ e: 'e4' }) });
    await committed(store, ownership, { snapshot: partial({}) });
    expect(await found(store, id)).toEqual({ e: 'e4' });
  });

  test('a full save keeps each byte of many fields, however they are named', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const names = ['', 'state:ü\u{1F4BE}', 'step:\r\n', 'state:__proto__', 'state:whole'];
    for (let i = 0; i < 1100; i++) names.push(`state:${i}`);
    const set = new Map(names.map((name, i) => [name, everyByte.subarray(i % 256)]));
    const other = { schema: 1, set: new Map([['state:0', bytes('0')]]), remove: [] };
    const changes: SnapshotDelta[] = [{ schema: 1, set, remove: [], full: true }, other];
    for (const snapshot of changes) {
      await committed(store, ownership, { snapshot });
      const { fields } = (await loaded(store, id)).snapshot ?? {};
      expect(fields?.size).toBe(names.length);
      const expected = new Map([...set, ...snapshot.set]);
      const wrong = names.filter((name) => hex(fields?.get(name)) !== hex(expected.get(name)));
      expect(wrong).toEqual([]);
    }
  });

  test('a claim and a page of events come with a full save', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const snapshot = full({ a: 'a1', b: 'b1' });
    const release = { status: 'queued', resendMs: 0 } as const;
    await committed(store, ownership, { events: [event('one')], snapshot, release });
    const outcome = await store.claim({
      run: id,
      worker: ownership.owner,
      codeVersion: 1,
      token: `${ownership.owner}-next`,
    });
    const claim = outcome.outcome === 'claimed' ? outcome : undefined;
    expect(texts(claim?.snapshot)).toEqual({ a: 'a1', b: 'b1' });
    expect(claim?.snapshot?.seq).toBe(3);
  });
}

function guarding(test: RunStoreTest): void {
  test('a full save that is repeated is stored once', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    await committed(store, ownership, { snapshot: partial({ a: 'a1' }, [], 'first') });
    const events = [event('worked')];
    const params = commit(ownership, { events, snapshot: full({ b: 'b2' }, 'second') });
    const outcome = await store.commit(params);
    const before = await everything(store, id);
    expect(await store.commit(params)).toEqual(outcome);
    expect(await everything(store, id)).toEqual(before);
    const kept = await store.checkpoints({ run: id, limit: 10 });
    expect(kept.map(({ label }) => label)).toEqual(['second', 'first']);
  });

  test('a full save of a stale owner, or ahead of the log, changes nothing', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await committed(store, ownership, { snapshot: full({ a: 'a1' }, 'first') });
    const before = await everything(store, id);
    for (const snapshot of [full({ b: 'b2' }, 'second'), partial({ b: 'b2' }, [], 'second')]) {
      const stale = { ...ownership, fence: ownership.fence - 1 };
      expect((await store.commit(commit(stale, { snapshot }))).outcome).toBe('fenced');
      const ahead = commit(ownership, { snapshot, expectedSeq: 7 });
      expect((await store.commit(ahead)).outcome).toBe('conflict');
    }
    expect(await everything(store, id)).toEqual(before);
    expect((await store.checkpoints({ run: id, limit: 10 })).length).toBe(1);
    expect(texts(await store.recall(id, '1-0'))).toEqual({ a: 'a1' });
  });
}

/** What a save of a mixture is: of all fields or of some, kept or not. */
interface Kind {
  readonly isFull: boolean;
  readonly isKept: boolean;
}

const kinds: readonly Kind[] = [true, false].flatMap((isFull) =>
  [true, false].map((isKept) => ({ isFull, isKept })),
);

/** All series of saves of this length. */
function mixtures(length: number): readonly (readonly Kind[])[] {
  if (length === 0) return [[]];
  return mixtures(length - 1).flatMap((series) => kinds.map((kind) => [...series, kind]));
}

const names = ['a', 'b', 'c', 'd'];
const nameAt = (place: number): string => names[place % names.length] ?? '';

/** Makes the saves; returns the checkpoints' ids with what each must hold. */
async function saveMixture(
  store: RunStore,
  ownership: Ownership,
  series: readonly Kind[],
): Promise<{ kept: ReadonlyMap<string, Texts>; last: Texts }> {
  const kept = new Map<string, Texts>();
  let last: Texts = {};
  for (const [i, { isFull, isKept }] of series.entries()) {
    // Each save sets a field that was there and one that was not, and drops one or all others.
    const value = String(i);
    const label = isKept ? value : undefined;
    const [set, remove] = [{ [nameAt(i)]: value, [nameAt(i + 2)]: value }, nameAt(i + 1)];
    const snapshot = isFull ? full(set, label) : partial(set, [remove], label);
    await committed(store, ownership, { snapshot });
    const left = Object.entries(last).filter(([name]) => name !== remove);
    last = { ...(isFull ? {} : Object.fromEntries(left)), ...set };
    if (isKept) kept.set(`${i + 1}-0`, last);
  }
  return { kept, last };
}

function keeping(test: RunStoreTest): void {
  test('every mixture of full and partial saves leaves its checkpoints as they were', async (opened) => {
    const { store, expect } = opened;
    const check = async (series: readonly Kind[], i: number): Promise<void> => {
      const { id, ownership } = await held(store);
      const what = JSON.stringify(series);
      const { kept, last } = await saveMixture(store, ownership, series);
      expect(await found(store, id), what).toEqual(last);
      for (const [checkpoint, fields] of kept) {
        expect(texts(await store.recall(id, checkpoint)), `${checkpoint} of ${what}`).toEqual(
          fields,
        );
      }
      // Without some of them, the others are what they were, also after one more save.
      const ids = [...kept.keys()];
      const dropped = ids.filter((_, n) => ((i * 5 + (i >> 4)) >> n) % 2 === 1);
      if (dropped.length === 0) return;
      expect(await store.archive.forget(id, dropped)).toBe(dropped.length);
      const next = i % 3 === 0 ? full({ c: 'next' }) : partial({ c: 'next' }, ['a']);
      for (const snapshot of [undefined, next]) {
        if (snapshot !== undefined) await committed(store, ownership, { snapshot });
        for (const [checkpoint, fields] of kept) {
          const expected = dropped.includes(checkpoint) ? {} : fields;
          const recalled = texts(await store.recall(id, checkpoint));
          expect(recalled, `${checkpoint} of ${what} without ${String(dropped)}`).toEqual(expected);
        }
      }
    };
    const all = mixtures(4);
    for (let i = 0; i < all.length; i += 32) {
      await Promise.all(all.slice(i, i + 32).map((series, n) => check(series, i + n)));
    }
  });

  test('a checkpoint of a full save holds its bytes, whatever is saved later', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const set = new Map([
      ['state:bytes', everyByte],
      ['state:empty', new Uint8Array()],
    ]);
    const keep = { marks: [{ label: 'bytes' }], bytes: 256 };
    const snapshot = { schema: 1, set, remove: [], full: true, checkpoints: keep };
    await committed(store, ownership, { snapshot });
    for (const later of [partial({ 'state:empty': 'x' }), full({ y: 'y' }), partial({ z: 'z' })]) {
      await committed(store, ownership, { snapshot: later });
      expect(plain((await store.recall(id, '1-0'))?.fields)).toEqual(plain(set));
    }
  });
}

export const fullTheme: RunStoreTheme = { name: 'full saves', parts: [saving, guarding, keeping] };
