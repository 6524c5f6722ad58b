/** The guard of pawl's speed: when it speaks up, and when it does not. */
import { expect, test } from 'vitest';
import { guard, speedRatio } from '../../../bench/guard.ts';
import type { Row } from '../../../bench/result.ts';

function measurements(...ratios: number[]): { measure: () => Promise<number>; left: number[] } {
  return { measure: async () => ratios.shift() ?? Number.NaN, left: ratios };
}

test('three tries under 0.8 of the recorded ratio fail, and say by how much', async () => {
  const { measure } = measurements(0.39, 0.3, 0.2);
  expect(await guard(['append'], { append: 0.5 }, measure)).toEqual([
    'append: 0.39, 0.30, 0.20 of its baseline, and 0.50 was recorded',
  ]);
});

test('one good try is enough, and nothing is measured after it', async () => {
  const { measure, left } = measurements(0.1, 0.41, 0.1);
  expect(await guard(['append'], { append: 0.5 }, measure)).toEqual([]);
  expect(left).toEqual([0.1]);
});

test('a workload that was never recorded fails', async () => {
  const { measure } = measurements(9);
  const [line] = await guard(['append'], {}, measure);
  expect(line).toContain('append has no recorded ratio');
});

test('of a time, a lower one is the faster', () => {
  const row = { contender: 'pawl', better: 'lower', ratioToRaw: 4 } as Row;
  expect(speedRatio([row])).toBe(0.25);
  expect(speedRatio([{ ...row, better: 'higher' }])).toBe(4);
});
