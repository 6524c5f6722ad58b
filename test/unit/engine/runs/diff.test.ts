// Goal: every difference of two states is told, once, at its place. Method: a table; then any two values that can be stored.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { type Difference, diffStates } from '../../../../src/engine/runs/diff.ts';
import { memoryPawl } from '../../../support/memory.ts';

const day = (n: number): Date => new Date(Date.UTC(2026, 0, n));
const added = (path: Difference['path'], after: unknown): Difference => {
  return { path, kind: 'added', after };
};
const removed = (path: Difference['path'], before: unknown): Difference => {
  return { path, kind: 'removed', before };
};
const changed = (path: Difference['path'], before: unknown, after: unknown): Difference => {
  return { path, kind: 'changed', before, after };
};

const table: readonly (readonly [string, unknown, unknown, readonly Difference[]])[] = [
  ['the same', { a: [1, day(1), 2n] }, { a: [1, day(1), 2n] }, []],
  ['a field', { a: 1, b: 2 }, { a: 1, b: 3 }, [changed(['b'], 2, 3)]],
  ['fields that come and go', { a: 1 }, { b: 1 }, [removed(['a'], 1), added(['b'], 1)]],
  ['undefined is a value', { a: undefined }, {}, [removed(['a'], undefined)]],
  ['an item at the end', [1, 2], [1, 2, 3], [added([2], 3)]],
  ['an item at the front', [1, 2], [0, 1, 2], [added([0], 0)]],
  ['an item in between', ['a', 'b'], ['a', 'x', 'b'], [added([1], 'x')]],
  ['an item that is gone', ['a', 'x', 'b'], ['a', 'b'], [removed([1], 'x')]],
  ['one of two equal ones', [1, 1], [1], [removed([1], 1)]],
  ['inside of an item', [{ n: 1 }, 2], [{ n: 5 }, 2], [changed([0, 'n'], 1, 5)]],
  [
    'a map',
    { m: new Map<unknown, unknown>([['k', 1], [1, 'n'], ['1', 't']]) }, // oxfmt-ignore
    { m: new Map<unknown, unknown>([['k', 2], [1, 'n']]) }, // oxfmt-ignore
    [changed(['m', 'k'], 1, 2), removed(['m', '"1"'], 't')],
  ],
  ['a set', new Set(['a', 'b']), new Set(['b', 'c']), [removed(['a'], 'a'), added(['c'], 'c')]],
  ['dates', { at: day(1) }, { at: day(2) }, [changed(['at'], day(1), day(2))]],
  ['bigints and numbers', { n: 1n }, { n: 1 }, [changed(['n'], 1n, 1)]],
  [
    'binary',
    { b: Uint8Array.of(1, 2) },
    { b: Uint8Array.of(1, 3) },
    [changed(['b'], Uint8Array.of(1, 2), Uint8Array.of(1, 3))],
  ],
  ['another shape', { a: [1] }, { a: { 0: 1 } }, [changed(['a'], [1], { 0: 1 })]],
];

test.each(table)('%s', (_, before, after, expected) => {
  expect(diffStates(before, after)).toEqual(expected);
});

test('values differ exactly when there is a difference, and each one is real', () => {
  const value = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: false,
    maxDepth: 3,
  });
  fc.assert(
    fc.property(value, value, (before, after) => {
      expect(diffStates(before, before)).toEqual([]);
      for (const { kind, ...sides } of diffStates(before, after)) {
        if (kind === 'changed') expect(sides.before).not.toStrictEqual(sides.after);
      }
      const merged = { both: before, side: after };
      const forth = diffStates({ both: before }, merged);
      expect(forth).toEqual([added(['side'], after)]);
    }),
    { numRuns: 200 },
  );
});

const counter = defineWorkflow({
  name: 'counter',
  state: z.object({ n: z.number().default(0), seen: z.array(z.string()).default([]) }),
  events: { tick: z.string() },
  reduce: { tick: (s, by) => ({ n: s.n + 1, seen: [...s.seen, by] }) },
  async run(ctx) {
    await ctx.emit('tick', 'a');
    await ctx.checkpoint({ label: 'between' });
    await ctx.emit('tick', 'b');
  },
});

test('a run is compared with itself at two points', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [counter] });
  const run = await pawl.start(counter, undefined, { id: 'r' });
  await run.result();
  const [kept] = await run.checkpoints();
  if (kept === undefined) throw new Error('no checkpoint');
  const { seq } = await run.info();
  expect(await run.diff({ checkpoint: kept.id }, { seq })).toEqual([
    changed(['n'], 1, 2),
    added(['seen', 1], 'b'),
  ]);
  expect(await run.diff({ seq }, { seq })).toEqual([]);
  await expect(run.diff({ seq: 1 }, { seq: 99 })).rejects.toThrow(/99 is not in the log/);
});
