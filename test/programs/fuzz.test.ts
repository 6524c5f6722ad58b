// Goal: random programs, handlers and graphs, end as they may, whatever dies, is lost or forgotten around them; and a judge
// that sees nothing is noticed. Method: the program fuzz in a short form; docs/reliability.md has the long one.
import { expect, test } from 'vitest';
import { inMemory } from './ground.ts';
import { judge, programsOf } from './judge.ts';
import { plants } from './plants.ts';
import type { Program, Seeded } from './program.ts';

test('150 programs in memory', { timeout: 120_000 }, async () => {
  const verdict = await judge({ seed: 2, programs: programsOf(2, 150), ground: inMemory });
  expect(verdict.violations).toEqual([]);
  expect(verdict.programs).toBe(150);
  expect(verdict.crashes).toBeGreaterThan(0);
});

test('a planted bug is found', { timeout: 60_000 }, async () => {
  const program: Program = {
    parts: [
      { kind: 'waitAny', name: 'n1' },
      { kind: 'waitAny', name: 'n2' },
    ],
  };
  const programs = Array.from({ length: 15 }, (_, seed): Seeded => ({ seed, program }));
  const unplant = plants['a signal stays when it is taken']?.();
  try {
    const { violations } = await judge({ seed: 1, programs, ground: inMemory });
    expect(violations.map(({ what }) => what)).toContainEqual(
      expect.stringContaining('taken twice'),
    );
  } finally {
    unplant?.();
  }
});
