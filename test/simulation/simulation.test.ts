import { describe, expect, test } from 'vitest';
import { plants } from './plants.ts';
import { Simulation } from './simulation.ts';

describe('a simulated fleet', () => {
  test('keeps every promise through every fault', { timeout: 60_000 }, async () => {
    const figures = await new Simulation({ seed: 1, calls: 20_000 }).run();
    expect(figures.violations).toEqual([]);
    // A history without faults or without work proves nothing.
    for (const [fault, times] of Object.entries(figures.faults)) {
      expect(times, fault).toBeGreaterThan(0);
    }
    expect(figures.runs.completed).toBeGreaterThan(500);
    expect(figures.takeovers).toBeGreaterThan(10);
  });

  test('has one history for one seed', { timeout: 60_000 }, async () => {
    const traces = [];
    for (const seed of [5, 5, 6]) {
      traces.push((await new Simulation({ seed, calls: 3000 }).run()).trace);
    }
    const [first, again, other] = traces;
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test.for(Object.entries(plants))(
    'finds the planted bug: %s',
    { timeout: 60_000 },
    async ([, plant]) => {
      const { violations } = await new Simulation({ seed: 1, calls: 20_000, plant }).run();
      expect(violations).not.toEqual([]);
    },
  );
});
