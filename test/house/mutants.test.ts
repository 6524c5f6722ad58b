// Goal: the list of planted bugs does not rot. Method: every passage still stands in its source, every test is there, and
// docs/reliability.md names every bug.
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mutants } from '../mutants/mutants.ts';
import { source } from './sources.ts';

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s', (name, mutant) => {
  const { text } = source(`src/${mutant.file}`);
  expect(text.split(mutant.passage), 'the passage, exactly once').toHaveLength(2);
  expect(mutant.by).not.toBe(mutant.passage);
  expect(mutant.foundBy).not.toEqual([]);
  for (const judge of mutant.foundBy) {
    const file = 'unit' in judge ? judge.unit : 'redis' in judge ? judge.redis : undefined;
    if (file !== undefined) expect(existsSync(file), file).toBe(true);
  }
  expect(source('docs/reliability.md').text).toContain(`| ${name} |`);
});

test('there are enough of them, and each has a name of its own', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(38);
});
