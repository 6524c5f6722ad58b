import { describe, expect, test } from 'vitest';
import { plants } from './plants.ts';
import { Simulation } from './simulation.ts';

const seedsMax = 40;
/** Where the first seed finds nothing: one that does. Without it the seeds are tried in their order, which takes long. */
const luckySeeds: Readonly<Record<string, number>> = {
  'a run parks over a message it has not read': 5,
  'a compaction does not say where the log begins': 2,
  'a worker does not look for runs it has forgotten': 2,
  'a sweeper does not look for orphans': 2,
};

describe('a simulated fleet', () => {
  test('keeps every promise through every fault', { timeout: 240_000 }, async () => {
    const figures = await new Simulation({ seed: 3, calls: 15_000 }).run();
    expect(figures.violations).toEqual([]);
    // A history without faults or without work proves nothing.
    const { faults, aimed, runs } = figures;
    for (const [what, times] of Object.entries({ ...faults, ...aimed })) {
      expect(times, what).toBeGreaterThan(0);
    }
    for (const kind of ['children', 'forked', 'scheduled', 'cancelled', 'failed'] as const) {
      expect(runs[kind], kind).toBeGreaterThan(5);
    }
    expect(runs.completed).toBeGreaterThan(300);
    expect(figures.takeovers).toBeGreaterThan(10);
  });

  test('has one history for one seed', { timeout: 240_000 }, async () => {
    const traces = [];
    for (const seed of [5, 5, 6]) {
      traces.push((await new Simulation({ seed, calls: 3000 }).run()).trace);
    }
    const [first, again, other] = traces;
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test.for(Object.entries(plants))('finds that %s', { timeout: 300_000 }, async ([name, plant]) => {
    const found = [];
    // Some bugs need luck, of which each seed has another.
    for (let seed = luckySeeds[name] ?? 1; seed <= seedsMax && found.length === 0; seed++) {
      const simulation = new Simulation({ seed, calls: 6000, endMs: 120_000, plant });
      found.push(...(await simulation.run()).violations);
    }
    expect(found).not.toEqual([]);
  });
});
