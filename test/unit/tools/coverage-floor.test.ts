// Goal: a share is added up from the files of its folder, and one that falls is told. Method: summaries as vitest writes.
import { expect, test } from 'vitest';
import { fallen, floorsOf, sharesOf } from '../../coverage-floor/floor.ts';

const counts = (total: number, covered: number) => ({
  lines: { total, covered },
  branches: { total: 2 * total, covered },
});
const summary = {
  total: counts(1_000, 1),
  '/p/src/core/a.ts': counts(90, 90),
  '/p/src/core/deep/b.ts': counts(10, 0),
  '/p/src/redis/c.ts': counts(3, 2),
  '/p/test/src/core/d.ts': counts(50, 0),
};

test('files count by their size, and only those of the folder', () => {
  expect(sharesOf(summary, '/p', ['core', 'redis'])).toEqual({
    core: { lines: 90, branches: 45 },
    redis: { lines: 66.6, branches: 33.3 },
  });
});

test('a folder that was not measured is no share of 100 %', () => {
  expect(() => sharesOf(summary, '/p', ['engine'])).toThrow('no file of src/engine was measured');
});

test('a floor is a little lower than what was measured, and holds it', () => {
  const shares = { core: { lines: 90, branches: 45 } };
  const floors = floorsOf(shares);
  expect(floors).toEqual({ core: { lines: 89.5, branches: 44.5 } });
  expect(fallen(shares, floors)).toEqual([]);
});

test('what is under its floor, or has none, is named', () => {
  const shares = { core: { lines: 89.4, branches: 45 }, redis: { lines: 1, branches: 1 } };
  expect(fallen(shares, { core: { lines: 89.5, branches: 44.5 } })).toEqual([
    'src/core: 89.4 % of its lines, and the floor is 89.5 %',
    'src/redis has no floor; --record writes one',
  ]);
});
