// Goal: folding is repeatable, refuses holes, and knows what changed.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CorruptionError, DefinitionError } from '../../../src/core/errors.ts';
import { Fold, type Folded, type Reducers } from '../../../src/core/fold.ts';

const reducers: Reducers = {
  add: (state, n) => ({ ...state, sum: (state['sum'] as number) + (n as number) }),
  wrong: () => 7,
};
const empty: Folded = { seq: 0, state: { sum: 0, other: [] }, memory: new Map() };
const fold = (start: Folded = empty, freeze = true): Fold =>
  new Fold(start, { reducers, origin: 'run r', freeze });

test('a snapshot and the events after it fold to the same as all events', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 50 }), fc.nat(50), (numbers, cut) => {
      const whole = fold();
      numbers.forEach((n, i) => whole.replay(i + 1, { type: 'add', data: n }));
      const first = fold();
      const rest = numbers.slice(cut);
      numbers.slice(0, cut).forEach((n, i) => first.replay(i + 1, { type: 'add', data: n }));
      const resumed = fold({ seq: first.seq, state: first.state, memory: first.memory });
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
  const loose = fold({ ...empty, state: { sum: 0, deep: { list: [1] } } }, false);
  expect(() => (loose.state['deep'] as { list: number[] }).list.push(2)).not.toThrow();
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
