import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Block, blocksOf, languages, pages } from '../support/docs/blocks.ts';
import { source, sources } from './sources.ts';

const readmeLinesMax = 250;
const pagesMin = 14;
const documents = sources.filter(({ path }) => pages.test(path));

/** What is wrong with a block: it must be executed (test/integration/docs.test.ts), or say why it is not. */
function problemOf({ language, notRun }: Block): string | undefined {
  if (!languages.some((one) => one === language)) return `is ${language || 'nothing'}`;
  const isCode = language === 'ts' || language === 'js';
  return isCode && notRun !== undefined ? 'is code, and is not executed' : undefined;
}

test('blocks are found by their language, with the reason why one is not executed', () => {
  const text = 'a\n```js\nb\n```\n```sh not run: an hour\nc\n```\n```\nd\n```\n';
  const [js, sh, none] = blocksOf('a.md', text);
  expect(js).toEqual({ page: 'a.md', line: 3, language: 'js', notRun: undefined, text: 'b\n' });
  expect(sh).toEqual({ page: 'a.md', line: 6, language: 'sh', notRun: 'an hour', text: 'c\n' });
  expect([js, sh, none].map((block) => block && problemOf(block))).toEqual([
    undefined,
    undefined,
    'is nothing',
  ]);
  const [skipped] = blocksOf('a.md', '```ts not run: hard\na\n```\n');
  expect(skipped && problemOf(skipped)).toBe('is code, and is not executed');
});

test(`README.md has at most ${readmeLinesMax} lines`, () => {
  expect(source('README.md').text.split('\n').length - 1).toBeLessThanOrEqual(readmeLinesMax);
});

test('README.md shows a program that can be copied to example.mjs', () => {
  const blocks = blocksOf('README.md', source('README.md').text);
  expect(blocks.filter(({ text }) => text.startsWith('// example.mjs'))).toHaveLength(1);
});

describe('every page', () => {
  test('is looked at', () => {
    expect(documents.length).toBeGreaterThanOrEqual(pagesMin);
  });

  test.each(documents.map(({ path, text }) => [path, text] as const))('%s', (path, text) => {
    const problems = blocksOf(path, text).flatMap((block) => {
      const problem = problemOf(block);
      return problem === undefined ? [] : [`the block at line ${block.line} ${problem}`];
    });
    expect(problems).toEqual([]);

    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)];
    const missing = links
      .map((link) => posix.join(posix.dirname(path), link[1] ?? ''))
      .filter((target) => !existsSync(fileURLToPath(new URL(`../../${target}`, import.meta.url))));
    expect(missing, 'links to files that exist').toEqual([]);

    const { scripts } = JSON.parse(source('package.json').text) as {
      scripts: Record<string, string>;
    };
    const named = [...text.matchAll(/\bnpm run (?:-s )?([\w:]+)/g)].map((match) => match[1] ?? '');
    expect(
      named.filter((name) => !(name in scripts)),
      'npm scripts that exist',
    ).toEqual([]);
  });
});
