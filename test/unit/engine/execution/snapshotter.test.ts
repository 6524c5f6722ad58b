// Goal: the snapshotter says `full` exactly when every field of the snapshot is in what it sets.
import { expect, test } from 'vitest';
import type { Fold } from '../../../../src/core/fold.ts';
import { Snapshotter } from '../../../../src/engine/execution/snapshotter.ts';

/** Saves one state after another, with a bookkeeping of which nothing changes but what is named. */
function saves(states: readonly Record<string, number>[], touched: readonly string[] = []) {
  const snapshotter = new Snapshotter({ schema: 1, limit: 10_000, saved: new Map() });
  return states.map((state, i) => {
    const bookkeeping = new Map(touched.map((field) => [field, i]));
    const fold = {
      state,
      bookkeeping,
      touched: new Set(i === 0 ? touched : []),
      forgetTouched() {},
    };
    const { full, set, remove } = snapshotter.delta(fold as unknown as Fold).delta;
    return { full: full === true, set: set.size, remove: remove.length };
  });
}

function wide(keys: number, value: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: keys }, (_, i) => [`k${i}`, value]));
}

test('a save of all fields is full, from eight fields on', () => {
  expect(saves([wide(8, 1), wide(8, 2)])).toEqual([
    { full: true, set: 8, remove: 0 },
    { full: true, set: 8, remove: 0 },
  ]);
  expect(saves([wide(7, 1)])[0]?.full).toBe(false);
});

test('a save that leaves a field as it is, of the state or of the bookkeeping, is not full', () => {
  const [, second] = saves([wide(20, 1), { ...wide(20, 2), k7: 1 }]);
  expect(second).toEqual({ full: false, set: 19, remove: 0 });
  const [first, next] = saves([wide(20, 1), wide(20, 2)], ['step:a']);
  expect(first).toEqual({ full: true, set: 21, remove: 0 });
  expect(next).toEqual({ full: false, set: 20, remove: 0 });
});

test('a full save removes nothing: what is not set is dropped with the rest', () => {
  const [, second] = saves([wide(20, 1), wide(10, 2)]);
  expect(second).toEqual({ full: true, set: 10, remove: 0 });
});
