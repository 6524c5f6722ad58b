// Goal: random programs end as they may on a real Redis as well, where each process has connections of its own. Method: the
// program fuzz in a short form; docs/reliability.md has the long one.
import { expect, inject, test } from 'vitest';
import { onRedis } from '../programs/ground.ts';
import { judge, programsOf } from '../programs/judge.ts';

test('20 programs on Redis', { timeout: 120_000 }, async () => {
  const verdict = await judge({
    seed: 3,
    programs: programsOf(3, 20),
    ground: () => onRedis(inject('redisUrl')),
  });
  expect(verdict.violations).toEqual([]);
  expect(verdict.programs).toBe(20);
});
