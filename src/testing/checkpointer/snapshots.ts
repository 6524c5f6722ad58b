import { type CheckpointerTest, type CheckpointerTheme, failure, newRun } from './opened.ts';

/** States that must come back equal. */
const plain: readonly unknown[] = [
  {},
  { n: 1, text: 'ünïcödé \u{1F4BE} "quoted"\n', list: [1, [2], { a: null }], no: undefined },
  { '': 1, 'a.b': 2, 'state:x': 3, state: 4, length: 5, constructor: 6 },
  [],
  [1, 'two', { three: 3 }],
  'text',
  42,
  -0.5,
  true,
  null,
  { $date: 'not a date' },
  { $object: { $map: 1 } },
  { nested: { $bytes: 1, more: 2 }, list: [{ $set: [] }] },
  { date: new Date(1_700_000_000_123), map: new Map<unknown, unknown>([[1, { a: new Set([1]) }]]) },
  { big: 12345678901234567890n, nan: Number.NaN, infinite: [Infinity, -Infinity] },
];

function saving(test: CheckpointerTest): void {
  test('a snapshot overwrites the one before', async ({ checkpointer, other, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    const { seq } = claim;
    expect(await claim.saveSnapshot({ a: 1, b: 2 })).toEqual({ seq, version: 1 });
    await claim.saveEvent({ type: 'x' });
    expect(await claim.saveSnapshot({ b: 2, c: 3 })).toEqual({ seq: seq + 1, version: 2 });
    expect(claim.version).toBe(2);
    const latest = await other.loadLatest(run);
    expect(latest).toEqual({ state: { b: 2, c: 3 }, seq: seq + 1, version: 2, events: [] });
  });

  test('a state that was changed in place is saved', async ({ checkpointer, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim<{ list: number[] }>(run);
    const state = { list: [1] };
    await claim.saveSnapshot(state);
    state.list.push(2);
    await claim.saveSnapshot(state);
    expect((await checkpointer.loadLatest(run))?.state).toEqual({ list: [1, 2] });
  });

  test('a frozen object that holds what can change is saved as it is then', async (opened) => {
    const { checkpointer, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    const inner = { n: 1 };
    const times = new Map([['a', 1]]);
    let reads = 0;
    const state = {
      list: Object.freeze([inner]),
      times: Object.freeze(times),
      read: Object.freeze({
        get n(): number {
          reads += 1;
          return reads > 1 ? 2 : 1;
        },
      }),
      same: Object.freeze({ deep: Object.freeze(['x']) }),
    };
    await claim.saveSnapshot(state);
    inner.n = 2;
    times.set('a', 2);
    await claim.saveSnapshot(state);
    const latest = await checkpointer.loadLatest(run);
    expect(latest?.state).toEqual({
      list: [{ n: 2 }],
      times: new Map([['a', 2]]),
      read: { n: 2 },
      same: { deep: ['x'] },
    });
  });

  test('fields come, go, move and come back', async ({ checkpointer, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    const states: Record<string, unknown>[] = [
      { a: 1, b: 'two', c: [3] },
      { c: [3], a: 1, b: 'two' },
      { a: 1, c: [3] },
      { a: 1, c: [3], b: 'two' },
      { a: 2, b: Number.NaN },
      { a: 0, b: undefined },
      {},
      { a: 1, state: 2 },
    ];
    for (const [i, state] of states.entries()) {
      await claim.saveSnapshot(state);
      const latest = await checkpointer.loadLatest<object>(run);
      expect(latest?.state, `state ${i}`).toEqual(state);
      expect(Object.keys(latest?.state ?? {}).toSorted()).toEqual(Object.keys(state).toSorted());
    }
  });

  test('any plain data comes back equal, one after the other', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    for (const [i, state] of plain.entries()) {
      await claim.saveSnapshot(state);
      await claim.saveEvent({ type: 'same', data: state });
      const latest = await other.loadLatest(run);
      expect(latest?.state, `state ${i}`).toEqual(state);
      expect(latest?.events.at(-1)?.data, `event ${i}`).toEqual(state);
    }
  });

  test('binary comes back byte for byte', async ({ checkpointer, expect }) => {
    const run = newRun();
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await (await checkpointer.claim(run)).saveSnapshot({ bytes });
    const latest = await checkpointer.loadLatest<{ bytes: Uint8Array }>(run);
    expect([...(latest?.state?.bytes ?? [])]).toEqual([...bytes]);
  });
}

function wide(test: CheckpointerTest): void {
  test('saves of all fields of a wide state, of some and of others are told apart', async ({
    checkpointer,
    other,
    expect,
  }) => {
    const run = newRun();
    const claim = await checkpointer.claim<Record<string, unknown>>(run);
    const filled = (value: number, width = 10): Record<string, unknown> =>
      Object.fromEntries(Array.from({ length: width }, (_, i) => [`k${i}`, value]));
    const states = [filled(1), { ...filled(1), k3: 2 }, filled(3, 9), { ...filled(3, 9), k9: [4] }];
    const kept: string[] = [];
    for (const state of [...states, { k1: 1 }, filled(5)]) {
      const saved = await claim.saveSnapshot(state, { checkpoint: {} });
      kept.push(saved.checkpoint ?? '');
      expect((await other.loadLatest(run))?.state).toEqual(state);
    }
    await claim.patch({ k0: 6 });
    expect((await other.loadLatest(run))?.state).toEqual({ ...filled(5), k0: 6 });
    for (const [i, state] of states.entries()) {
      expect(await other.loadCheckpoint(run, kept[i] ?? '')).toEqual(state);
    }
  });
}

function patching(test: CheckpointerTest): void {
  test('a patch changes its fields, and no others', async ({ checkpointer, other, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim<Record<string, unknown>>(run);
    expect((await claim.patch({ a: 1, b: [2] })).version).toBe(1);
    expect((await claim.patch({ b: undefined, c: 3 })).version).toBe(2);
    const latest = await other.loadLatest(run);
    expect(latest?.state).toEqual({ a: 1, b: undefined, c: 3 });
    expect(Object.hasOwn(latest?.state as object, 'b')).toBe(true);
    // Whatever comes after one knows of it.
    await claim.saveSnapshot({ a: 1, c: 3 });
    expect((await other.loadLatest(run))?.state).toEqual({ a: 1, c: 3 });
    const again = await other.claim<Record<string, unknown>>(run);
    await again.patch({ c: 4 });
    expect((await checkpointer.loadLatest(run))?.state).toEqual({ a: 1, c: 4 });
  });

  test('a patch is of the state that is saved then', async ({ checkpointer, other, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim<Record<string, unknown>>(run);
    await claim.saveSnapshot({ a: 1 });
    const list = [1];
    const saves = [
      claim.saveSnapshot({ a: 2, wrong: true }, { version: 7 }),
      claim.patch({ list }),
      claim.saveSnapshot({ a: 3, list: [3] }),
      claim.patch({ a: 4 }),
    ];
    list.push(2);
    const ended = await Promise.allSettled(saves);
    expect(ended.map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect((await other.loadLatest(run))?.state).toEqual({ a: 4, list: [3] });
  });

  test('a patch may be kept as a checkpoint', async ({ checkpointer, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim<Record<string, unknown>>(run);
    await claim.saveSnapshot({ a: 1, b: 2 });
    const { checkpoint = '' } = await claim.patch({ b: 3 }, { checkpoint: { label: 'here' } });
    await claim.patch({ b: 4 });
    expect(await checkpointer.loadCheckpoint(run, checkpoint)).toEqual({ a: 1, b: 3 });
  });

  test('a patch that does not fit changes nothing', async ({ checkpointer, other, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveSnapshot([1, 2]);
    expect(await failure(claim.patch({ a: 1 }))).toMatchObject({ code: 'PAWL_INVALID' });
    expect(await failure(claim.patch([1] as object))).toMatchObject({ code: 'PAWL_INVALID' });
    expect(await failure(claim.patch({ f: () => 1 }))).toMatchObject({ code: 'PAWL_UNSTORABLE' });
    const { version } = claim;
    expect((await other.loadLatest(run))?.state).toEqual([1, 2]);
    expect(await failure(claim.patch({ a: 1 }, { version: version + 1 }))).toMatchObject({
      code: 'PAWL_CONFLICT',
    });
    await claim.saveSnapshot({ a: 1 });
    expect((await claim.patch({ a: 2 })).version).toBe(version + 2);
  });
}

function refusing(test: CheckpointerTest): void {
  test('a snapshot is compared and set by version', async ({ checkpointer, other, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    expect((await claim.saveSnapshot({ n: 1 }, { version: 0 })).version).toBe(1);
    for (const version of [0, 2]) {
      const error = await failure(claim.saveSnapshot({ n: 9 }, { version, checkpoint: {} }));
      expect(error).toMatchObject({ code: 'PAWL_CONFLICT', run, expected: version, actual: 1 });
    }
    expect((await other.loadLatest(run))?.state).toEqual({ n: 1 });
    expect((await other.info(run))?.seq).toBe(claim.seq);
    const again = await other.claim(run);
    expect((await again.saveSnapshot({ n: 2 }, { version: again.version })).version).toBe(2);
  });

  test('what cannot be stored is refused with the path to it', async (opened) => {
    const { checkpointer, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    class Page {
      readonly name = 'page';
    }
    const attempts: readonly (readonly [unknown, string])[] = [
      [{ a: [{ f: () => 1 }] }, 'state.a[0].f'],
      [{ page: new Page() }, 'state.page'],
      [new Page(), 'state'],
      [[Symbol('x')], 'state[0]'],
      [JSON.parse('{"a": {"__proto__": 1}}'), 'state.a.__proto__'],
      [JSON.parse('{"__proto__": 1}'), 'state.__proto__'],
    ];
    for (const [state, path] of attempts) {
      const error = await failure(claim.saveSnapshot(state));
      expect(error, path).toMatchObject({ code: 'PAWL_UNSTORABLE', path });
    }
    const large = { a: 'x'.repeat(5 * 1024 * 1024), b: 'x'.repeat(5 * 1024 * 1024) };
    expect((await failure(claim.saveSnapshot(large))).code).toBe('PAWL_LIMIT');
    expect((await checkpointer.info(run))?.version).toBe(0);
    expect((await claim.saveSnapshot({ ok: true })).version).toBe(1);
  });
}

export const snapshotsTheme: CheckpointerTheme = {
  name: 'snapshots',
  parts: [saving, wide, patching, refusing],
};
