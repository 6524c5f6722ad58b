import { expect, test } from 'vitest';
import { errorCodes } from '../../src/core/errors.ts';
import { source } from './sources.ts';

/** The codes in the first column of the table of docs/errors.md. */
function documented(markdown: string): string[] {
  return [...markdown.matchAll(/^\|\s*`(PAWL_\w+)`/gm)].map((match) => match[1] ?? '').sort();
}

test('codes are found in a table, and only there', () => {
  expect(documented('`PAWL_A` is\n| code | is |\n|---|---|\n| `PAWL_B` | `PAWL_C` |\n')).toEqual([
    'PAWL_B',
  ]);
});

test('docs/errors.md lists every error code, and no other', () => {
  const codes = Object.keys(errorCodes).sort();
  expect(codes.length).toBeGreaterThan(15);
  expect(documented(source('docs/errors.md').text)).toEqual(codes);
});

test('every code has one sentence', () => {
  for (const [code, sentence] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^PAWL_[A-Z]+(_[A-Z]+)*$/);
    expect(sentence, code).toMatch(/^[A-Z].+\.$/);
  }
});
