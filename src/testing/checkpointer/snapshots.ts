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

export const snapshotsTheme: CheckpointerTheme = { name: 'snapshots', parts: [saving, refusing] };
