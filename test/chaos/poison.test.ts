// Goal: runs that kill their workers are quarantined, and no run is for having been beside one. Method: the trial of
// test/chaos/poison with real processes, in a short form; docs/reliability.md has the long one.
import { expect, test } from 'vitest';
import { trial } from './poison/trial.ts';

test('no innocent run is quarantined, and no poison is left', { timeout: 180_000 }, async () => {
  const report = await trial({ seed: 1, poison: 5, innocent: 20, workers: 3, minutes: 2.5 });
  expect(report.violations).toEqual([]);
  expect(report).toMatchObject({
    innocentCompleted: 20,
    innocentQuarantined: 0,
    poisonQuarantined: 5,
  });
  // Three losses as evidence, one that was spent on what it wrote for the first time, and a few beside others.
  expect(report.losses.most).toBeLessThanOrEqual(9);
  expect(report.workersKilled).toBeGreaterThanOrEqual(15);
});
