// Goal: the bookkeeping of what is to be undone is right at its edges: after a rewind, for what was passed, for items of
// which none is left, and for undos that have failed. Method: the events of undoing on a bookkeeping made by hand.
import { describe, expect, test } from 'vitest';
import {
  isKeptForUndo,
  itemToUndo,
  keepForUndo,
  keptForUndo,
  noteUndo,
  noteUndoOfNode,
  pendingUndos,
  rememberedOfUndo,
  rememberUndo,
  undoBehind,
  undoing,
  undoName,
} from '../../../src/core/undo.ts';

function newFold(seq: number, fields: Readonly<Record<string, unknown>> = {}) {
  const bookkeeping = new Map(Object.entries(fields));
  return {
    seq,
    bookkeeping,
    remember(field: string, value: unknown) {
      if (value === undefined) bookkeeping.delete(field);
      else bookkeeping.set(field, value);
    },
  };
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const named = (fold: ReturnType<typeof newFold>): string[] =>
  pendingUndos(fold.bookkeeping).map(({ name }) => name);
const begun = { status: 'failed', at: 1 };

test('what came last is undone first, and an effect in doubt comes before all of it', () => {
  const fold = newFold(10, {
    'effect:charge': { name: 'charge', begun: 3, hasUndo: true },
    'effect:mail': { name: 'mail', begun: 4, hasUndo: true },
    'effect:plain': { name: 'plain', begun: 5 },
  });
  noteUndo(fold, 'book', { hasUndo: true });
  noteUndoOfNode(Object.assign(fold, { seq: 11 }), 'visit:1', { in: 1 });
  expect(named(fold)).toEqual(['charge', 'mail', 'visit:1', 'book']);
  noteUndo(fold, undoName('book'), {});
  noteUndo(fold, undoName('charge'), {});
  expect(named(fold)).toEqual(['mail', 'visit:1']);
  // An effect that has completed is undone as a step.
  noteUndo(fold, 'mail', { hasUndo: true });
  expect(pendingUndos(fold.bookkeeping).find(({ name }) => name === 'mail')).toMatchObject({
    isInDoubt: false,
  });
});

test('items of a map are undone from the last one that has completed to the first', () => {
  const fold = newFold(5, {
    'items:each': { completed: 2, failed: 1, pages: 1, seq: 5, over: true },
    'page:each:0': [
      bytes(1),
      { error: { name: 'Error', message: '' }, attempts: 1 },
      bytes(3),
      null,
    ],
  });
  noteUndo(fold, 'each:2', { hasUndo: true, item: { of: 'each', at: 2 } });
  const [entry] = pendingUndos(fold.bookkeeping);
  if (entry === undefined) throw new Error('nothing is to be undone');
  expect(itemToUndo(fold.bookkeeping, entry)).toEqual({ at: 2, result: bytes(3) });
  noteUndo(fold, undoName('each:2'), { undoes: { of: 'each', at: 2 } });
  const [next] = pendingUndos(fold.bookkeeping);
  expect(itemToUndo(fold.bookkeeping, next ?? {})).toEqual({ at: 0, result: bytes(1) });
  noteUndo(fold, undoName('each:0'), { undoes: { of: 'each', at: 0 } });
  expect(pendingUndos(fold.bookkeeping)).toEqual([]);
  // It comes again after a rewind: nothing is left to change.
  noteUndo(fold, undoName('each:0'), { undoes: { of: 'each', at: 0 } });
  expect(pendingUndos(fold.bookkeeping)).toEqual([]);
  expect(itemToUndo(fold.bookkeeping, {})).toBeUndefined();
});

describe('what the handler has passed', () => {
  test('keeps its result, and the name stays taken until it is undone', () => {
    const fold = newFold(1, { 'step:book': { status: 'completed', result: bytes(7), seq: 1 } });
    noteUndo(fold, 'book', { hasUndo: true });
    expect(keepForUndo(fold, 'book')).toBe(false);
    expect(isKeptForUndo(fold.bookkeeping, 'book')).toBe(true);
    expect(keptForUndo(fold.bookkeeping, 'book')).toEqual({
      status: 'completed',
      result: bytes(7),
      seq: 2,
    });
  });

  test('of a step without a way back, and of one that has failed, nothing is kept', () => {
    const fold = newFold(1, { 'step:plain': { status: 'completed', result: bytes(7), seq: 1 } });
    expect(keepForUndo(fold, 'plain')).toBe(false);
    expect(keptForUndo(fold.bookkeeping, 'plain')).toBeUndefined();
    noteUndo(fold, 'failed', { hasUndo: true });
    fold.bookkeeping.set('step:failed', begun);
    expect(keepForUndo(fold, 'failed')).toBe(false);
    expect(isKeptForUndo(fold.bookkeeping, 'failed')).toBe(false);
  });

  test('of a map all items stay', () => {
    const fold = newFold(1);
    noteUndo(fold, 'each:0', { hasUndo: true, item: { of: 'each', at: 0 } });
    expect(keepForUndo(fold, 'each')).toBe(true);
    expect(isKeptForUndo(fold.bookkeeping, 'each:*')).toBe(true);
  });
});

test('an undo that has failed says so where it stands, and each failure is a doubt of its own', () => {
  const fold = newFold(1, { 'effect:charge': { name: 'charge', begun: 3, hasUndo: true } });
  noteUndo(fold, 'book', { hasUndo: true });
  noteUndo(fold, 'each:0', { hasUndo: true, item: { of: 'each', at: 0 } });
  const fail = rememberedOfUndo['undo.failed'];
  fail?.(fold, { name: 'book', attempts: 2 });
  fail?.(fold, { name: 'book', attempts: 3 });
  fail?.(fold, { name: 'charge', attempts: 1, isMissing: true });
  fail?.(fold, { name: 'each:0', attempts: 1, item: { of: 'each', at: 0 } });
  fail?.(fold, { name: 'nowhere', attempts: 1 });
  const failed = Object.fromEntries(
    pendingUndos(fold.bookkeeping).map(({ name, failed: how }) => [name, how]),
  );
  expect(failed).toEqual({
    book: { attempts: 3 },
    charge: { attempts: 1, isMissing: true },
    'each:*': { attempts: 1 },
  });
  expect(fold.bookkeeping.get(`effect:${undoName('book')}`)).toMatchObject({ begun: 2 });
});

test('after a rewind the owner brings back what the log has lost, and only that', () => {
  const fold = newFold(4);
  expect(undoBehind(fold.bookkeeping, 0)).toEqual({});
  noteUndo(fold, 'early', { hasUndo: true });
  Object.assign(fold, { seq: 8 });
  noteUndo(fold, 'late', { hasUndo: true });
  fold.bookkeeping.set('step:late', { status: 'completed', result: bytes(1), seq: 9 });
  noteUndo(fold, 'gone', { hasUndo: true });
  noteUndo(fold, 'each:0', { hasUndo: true, item: { of: 'each', at: 0 } });
  rememberedOfUndo['undo.begun']?.(fold, { because: 'failed' });
  const behind = undoBehind(fold.bookkeeping, 6);
  expect(behind.toUndo?.map(({ name }) => name).toSorted()).toEqual(['gone', 'late']);
  expect(behind.toUndo?.find(({ name }) => name === 'late')).toMatchObject({ result: bytes(1) });

  const rewound = newFold(5);
  noteUndo(rewound, 'gone', { hasUndo: true });
  const kept = rewound.bookkeeping.get('undo:gone');
  rememberUndo(rewound, {});
  expect(undoing(rewound.bookkeeping)).toBeUndefined();
  rememberUndo(rewound, behind);
  expect(undoing(rewound.bookkeeping)).toEqual({ because: 'failed' });
  expect(named(rewound).toSorted()).toEqual(['gone', 'late']);
  expect(rewound.bookkeeping.get('undo:gone')).toBe(kept);
});
