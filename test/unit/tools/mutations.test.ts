// Goal: the page of mutations says what a pass has found, and which bugs nobody saw. Method: results as data.
import { expect, test } from 'vitest';
import { mutants } from '../../mutants/mutants.ts';
import { type Row, withTable } from '../../mutants/page.ts';
import type { Verdict } from '../../mutants/workshop.ts';

const page = 'Words.\n<!-- mutations: begin -->\nold\n<!-- mutations: end -->\nMore.\n';

function row(n: number, verdict: Verdict): Row {
  const mutant = mutants[n];
  if (mutant === undefined) throw new Error('there are not so many');
  return { mutant, result: { name: mutant.name, verdict, seconds: 3, digest: 'd' } };
}

test('each bug has its row, and one that survived stands out', () => {
  const rows = [
    row(0, { verdict: 'found', by: ['a.test.ts › a | b'] }),
    row(1, { verdict: 'survived', judge: 'b.test.ts' }),
  ];
  const written = withTable(page, rows, '2026-11-27, commit abc1234');
  expect(written).toContain('2 planted, 1 caught: 2026-11-27, commit abc1234.');
  expect(written).toContain('| a.test.ts › a / b |\n');
  expect(written).toContain('| **survived** |\n');
  expect(written).not.toContain('old');
  expect(written.startsWith('Words.\n')).toBe(true);
  expect(written.endsWith('\nMore.\n')).toBe(true);
});

test('a page without its marks is not written over', () => {
  expect(() => withTable('Words.', [], 'never')).toThrow('the page has no');
});
