// Goal: a tenant with very many runs neither gets more workers than its share, nor delays the first run of another one, also
// while workers are killed. Method: the trial of `npm run test:fairness` in small, and a judge that is judged itself.
import { expect, test } from 'vitest';
import { judge, trial } from './fairness/trial.ts';

test('limits hold and keys take turns while a worker is killed every two seconds', async () => {
  const report = await trial({
    seed: 1,
    runs: [400, 60, 5],
    workers: 4,
    killEveryMs: 2_000,
    workMs: 50,
    seconds: 40,
  });
  expect(report.violations).toEqual([]);
  expect(report.tenants.map(({ ended }) => ended)).toEqual([400, 60, 5]);
  expect(report.kills).toBeGreaterThan(1);
});

test('the judge sees a tenant with too many runs at work, and one that has to wait', () => {
  const tenants = [
    { key: 'big', runs: 20 },
    { key: 'small', runs: 1 },
  ];
  const big = Array.from({ length: 20 }, (_, i) => ({
    key: 'big',
    createdAt: 0,
    begunAt: 100 * i + 100,
    endedAt: 100 * i + 200,
  }));
  const small = { key: 'small', createdAt: 150, begunAt: 350, endedAt: 400 };
  expect(judge(tenants, [...big, small])).toMatchObject({ violations: [], firstMs: 200 });
  const crowded = big.map((one) => ({ ...one, endedAt: one.endedAt + 450 }));
  expect(judge(tenants, [...crowded, small]).violations).toEqual([
    'big had 6 runs at work, 4 are allowed',
  ]);
  const late = { ...small, begunAt: 2050, endedAt: 2060 };
  expect(judge(tenants, [...big, late]).violations).toEqual([
    '19 runs began before the first of small',
  ]);
});
