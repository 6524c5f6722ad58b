// Goal: folding is repeatable, refuses holes, and knows what changed.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode } from '../../../src/core/codec.ts';
import { CorruptionError, DefinitionError } from '../../../src/core/errors.ts';
import { Fold, type Folded, type FoldOptions, type Reducers } from '../../../src/core/fold.ts';

const reducers: Reducers = {
  add: (state, n) => ({ ...state, sum: (state['sum'] as number) + (n as number) }),
  wrong: () => 7,
};
const empty: Folded = { seq: 0, state: { sum: 0, other: [] }, bookkeeping: new Map() };
const fold = (start: Folded = empty, guard: FoldOptions['guard'] = 'bytes'): Fold =>
  new Fold(start, { reducers, origin: 'run r', guard });

test('a snapshot and the events after it fold to the same as all events', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 50 }), fc.nat(50), (numbers, cut) => {
      const whole = fold();
      numbers.forEach((n, i) => whole.replay(i + 1, { type: 'add', data: n }));
      const first = fold();
      const rest = numbers.slice(cut);
      numbers.slice(0, cut).forEach((n, i) => first.replay(i + 1, { type: 'add', data: n }));
      const resumed = fold({ seq: first.seq, state: first.state, bookkeeping: first.bookkeeping });
      rest.forEach((n, i) => resumed.replay(first.seq + i + 1, { type: 'add', data: n }));
      expect(resumed.state).toEqual(whole.state);
      expect(resumed.seq).toBe(whole.seq);
    }),
  );
});

describe('a log with a hole is corrupt', () => {
  test.each([2, 0, 5])('seq %i after the beginning', (seq) => {
    expect(() => fold().replay(seq, { type: 'add', data: 1 })).toThrow(CorruptionError);
  });
  test('the same seq twice', () => {
    const folded = fold();
    folded.replay(1, { type: 'add', data: 1 });
    expect(() => folded.replay(1, { type: 'add', data: 1 })).toThrow(/follows seq 1/);
  });
});

test('a reducer that returns something else changes nothing', () => {
  const folded = fold();
  expect(() => folded.apply({ type: 'wrong', data: 1 })).toThrow(DefinitionError);
  expect(folded.seq).toBe(0);
});

test('unchanged fields keep their identity', () => {
  const folded = fold();
  const { other } = folded.state;
  folded.apply({ type: 'add', data: 1 });
  expect(folded.state['other']).toBe(other);
});

test('the state cannot be changed by hand, unless freezing is off', () => {
  const folded = fold({ ...empty, state: { sum: 0, deep: { list: [1] } } });
  expect(() => (folded.state['deep'] as { list: number[] }).list.push(2)).toThrow(TypeError);
  const unmanaged = fold({ ...empty, state: { sum: 0, deep: { list: [1] } } }, 'none');
  expect(() => (unmanaged.state['deep'] as { list: number[] }).list.push(2)).not.toThrow();
});

describe('what Object.freeze does not reach cannot be changed by hand either', () => {
  const state = () => ({
    sum: 0,
    at: new Date(5),
    bytes: Uint8Array.of(1, 2),
    map: new Map([['a', { list: [1] }]]),
    set: new Set(['x']),
  });
  type Kinds = ReturnType<typeof state>;
  const frozen = (): { readonly folded: Fold; readonly kinds: Kinds } => {
    const folded = fold({ ...empty, state: state() });
    return { folded, kinds: folded.state as unknown as Kinds };
  };
  test.each<readonly [string, (kinds: Kinds) => unknown]>([
    ['Map.set', ({ map }) => map.set('b', { list: [] })],
    ['Map.delete', ({ map }) => map.delete('a')],
    ['Map.clear', ({ map }) => map.clear()],
    ['what is in a map', ({ map }) => map.get('a')?.list.push(2)],
    ['Set.add', ({ set }) => set.add('y')],
    ['Set.delete', ({ set }) => set.delete('x')],
    ['Set.clear', ({ set }) => set.clear()],
    ['Date.setTime', ({ at }) => at.setTime(6)],
    ['Date.setUTCFullYear', ({ at }) => at.setUTCFullYear(2000)],
    ['Uint8Array.fill', ({ bytes }) => bytes.fill(7)],
    ['Uint8Array.set', ({ bytes }) => bytes.set([7])],
    ['Uint8Array.copyWithin', ({ bytes }) => bytes.copyWithin(0, 1)],
  ])('%s', (_, change) => {
    const { kinds } = frozen();
    expect(() => change(kinds)).toThrow(TypeError);
    expect(kinds).toEqual(state());
  });

  test('it reads, compares, is copied and is stored as it would without that', () => {
    const { kinds } = frozen();
    expect(isDeepStrictEqual(kinds, state())).toBe(true);
    expect(structuredClone(kinds)).toStrictEqual(state());
    const bytes = encode(kinds, 'state', Infinity);
    expect(bytes).toEqual(encode(state(), 'state', Infinity));
    expect([kinds.at.getTime(), kinds.map.size, [...kinds.set]]).toEqual([5, 1, ['x']]);
    expect(new Set(kinds.set).add('y').size).toBe(2);
  });

  test('single bytes that are changed are told at the next event, once, and nothing is folded', () => {
    const { folded, kinds } = frozen();
    folded.apply({ type: 'add', data: 1 });
    kinds.bytes[1] = 7;
    expect(() => folded.apply({ type: 'add', data: 1 })).toThrow(/state of run r .*in place/);
    expect(folded.state['sum']).toBe(1);
    folded.apply({ type: 'add', data: 1 });
    expect(folded.state['sum']).toBe(2);
  });

  test('a reducer that changes bytes is told of, and bytes that have left are not looked at', () => {
    const start = { ...empty, state: { bytes: new Uint8Array(2) } };
    const write = (bytes: Uint8Array): Uint8Array => {
      bytes[0] = 1;
      return bytes;
    };
    const folded = new Fold(start, {
      origin: 'run r',
      guard: 'bytes',
      reducers: {
        inPlace: (now) => ({ ...now, bytes: write(now['bytes'] as Uint8Array) }),
        anew: (now) => ({ ...now, bytes: write(Uint8Array.from(now['bytes'] as Uint8Array)) }),
      },
    });
    expect(() => folded.apply({ type: 'inPlace', data: null })).toThrow(DefinitionError);
    const left: Uint8Array[] = [];
    for (let i = 0; i < 100; i++) {
      left.push(folded.state['bytes'] as Uint8Array);
      folded.apply({ type: 'anew', data: null });
    }
    for (const bytes of left.slice(0, 50)) bytes[1] = 9;
    expect(() => folded.apply({ type: 'anew', data: null })).not.toThrow();
  });
});

test.each([
  ['a promise', Promise.resolve({})],
  ['a map', new Map()],
  ['an array', []],
  ['nothing', undefined],
  ['null', null],
])('a reducer that returns %s changes nothing', (_, state) => {
  const folded = new Fold(empty, {
    reducers: { wrong: () => state },
    origin: 'run r',
    guard: 'bytes',
  });
  expect(() => folded.apply({ type: 'wrong', data: 1 })).toThrow(/must return the new state/);
  expect(folded.state).toEqual(empty.state);
});

test('new events are checked, those of the log are not, and a refused one changes nothing', () => {
  const check = (after: { readonly [key: string]: unknown }): void => {
    if ((after['sum'] as number) > 1) throw new RangeError('too much');
  };
  const folded = new Fold(empty, { reducers, origin: 'run r', guard: 'bytes', check });
  folded.replay(1, { type: 'add', data: 5 });
  expect(() => folded.apply({ type: 'add', data: 1 })).toThrow('too much');
  expect([folded.state['sum'], folded.seq]).toEqual([5, 1]);
});

test('events that are taken together are checked together: only what is left must fit', () => {
  const seen: string[] = [];
  const check = (after: { readonly [key: string]: unknown }, _: unknown, types: string): void => {
    seen.push(types);
    if ((after['sum'] as number) % 2 !== 0) throw new RangeError('odd');
  };
  const folded = new Fold(empty, { reducers, origin: 'run r', guard: 'bytes', check });
  const add = { type: 'add', data: 1 };
  folded.applyAll([add, { type: 'timer.set', data: { name: 't', dueAt: 1 } }, add]);
  expect([folded.state['sum'], folded.seq, seen]).toEqual([2, 3, ['add']]);
  expect(() => folded.applyAll([add, { type: 'timer.set', data: { name: 'u' } }])).toThrow('odd');
  expect([folded.state['sum'], folded.seq, folded.bookkeeping.has('timer:u')]).toEqual([
    2,
    3,
    false,
  ]);
  folded.apply({ type: 'state.set', data: { patch: { sum: 3 } } });
  expect(seen).toHaveLength(2);
});

test('events of other workflows and of pawl itself only count', () => {
  const folded = fold();
  folded.apply({ type: 'toString', data: 1 });
  folded.apply({ type: 'run.claimed', data: {} });
  expect(folded.state).toEqual(empty.state);
  expect(folded.seq).toBe(2);
});

test('steps are kept by name, and touched names are told until they are forgotten', () => {
  const folded = fold();
  const result = new Uint8Array([1]);
  folded.apply({ type: 'step.retried', data: { name: 'a', attempts: 1, error: {}, dueAt: 0 } });
  expect(folded.step('a')).toEqual({ status: 'retrying', attempts: 1, dueAt: 0 });
  folded.apply({ type: 'step.completed', data: { name: 'a', attempts: 2, result } });
  expect(folded.step('a')).toEqual({ status: 'completed', result, seq: 2 });
  expect([...folded.touched]).toEqual(['step:a']);
  folded.forgetTouched();
  expect([...folded.touched]).toEqual([]);
});

test('state.set replaces whole top-level fields', () => {
  const folded = fold();
  folded.apply({ type: 'state.set', data: { patch: { other: [1], fresh: true } } });
  expect(folded.state).toEqual({ sum: 0, other: [1], fresh: true });
});
