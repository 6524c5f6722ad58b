import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { type Block, blocksOf, languages, pages } from '../support/docs/blocks.ts';
import { source, sources } from './sources.ts';

const readmeLinesMax = 130;
const pagesMin = 40;
const documents = sources.filter(({ path }) => pages.test(path));

/** Pages that show the programs of others, or parts of programs in frameworks that are not installed here. */
const compares = /^docs\/coming-from\//;
const frameworks = /^docs\/(?:recipes|coming-from)\//;

/** What is wrong with a block: it must be executed (test/integration/docs.test.ts), or say why it is not. */
function problemOf({ page, language, notRun, compiled, theirs, text }: Block): string | undefined {
  if (!languages.some((one) => one === language)) return `is ${language || 'nothing'}`;
  const isCode = language === 'ts' || language === 'js';
  if (isCode && notRun !== undefined) return 'is code, and is not executed';
  if (theirs !== undefined && !compares.test(page)) return 'is not a program of pawl';
  if (compiled !== undefined && !frameworks.test(page)) return 'is code, and is only compiled';
  if (language === 'json') return problemOfText(() => JSON.parse(text), 'JSON');
  if (language === 'yaml') return problemOfText(() => parseYaml(text), 'YAML');
  return undefined;
}

function problemOfText(parse: () => unknown, what: string): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    return `is no ${what}: ${String(error)}`;
  }
}

/** The anchors of the headings of a page, as GitHub and the site make them. */
function anchorsOf(markdown: string): Set<string> {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return new Set(
    [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(/\s/g, '-'),
    ),
  );
}

/** Links of a page that lead nowhere: no such file, or no such heading in it. */
function deadLinksOf(path: string, text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  const links = [...prose.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)];
  return links.flatMap(([, to = '', anchor]) => {
    const file = to === '' ? path : posix.join(posix.dirname(path), to);
    if (!existsSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)))) return [file];
    if (anchor === undefined || !file.endsWith('.md')) return [];
    return anchorsOf(source(file).text).has(anchor) ? [] : [`${file}#${anchor}`];
  });
}

function scriptsOf(manifest: string): Readonly<Record<string, string>> {
  return (JSON.parse(source(manifest).text) as { scripts: Record<string, string> }).scripts;
}

test('blocks are found by their language, with the reason why one is not executed', () => {
  const text = 'a\n```js\nb\n```\n```sh not run: an hour\nc\n```\n```\nd\n```\n';
  const [js, sh, none] = blocksOf('a.md', text);
  expect(js).toMatchObject({ page: 'a.md', line: 3, language: 'js', text: 'b\n' });
  expect(sh).toMatchObject({ page: 'a.md', line: 6, language: 'sh', notRun: 'an hour' });
  expect([js, sh, none].map((block) => block && problemOf(block))).toEqual([
    undefined,
    undefined,
    'is nothing',
  ]);
  const [skipped] = blocksOf('a.md', '```ts not run: hard\na\n```\n');
  expect(skipped && problemOf(skipped)).toBe('is code, and is not executed');
});

test.each([
  ['README.md', '```ts compiled: hard\na\n```\n', 'is code, and is only compiled'],
  ['docs/recipes/a.md', '```ts compiled: hard\na\n```\n', undefined],
  ['docs/recipes/a.md', '```ts theirs: Temporal\na\n```\n', 'is not a program of pawl'],
  ['docs/coming-from/a.md', '```ts theirs: Temporal\na\n```\n', undefined],
  ['docs/recipes/a.md', '```json\n{}\n```\n', undefined],
  ['docs/recipes/a.md', '```yaml\na: 1\n```\n', undefined],
  ['docs/recipes/a.md', '```yaml\na: [1\n```\n', expect.stringContaining('is no YAML')],
  ['docs/recipes/a.md', '```json\n{,}\n```\n', expect.stringContaining('is no JSON')],
])('on %s %j %j', (page, text, problem) => {
  const [block] = blocksOf(page, text);
  expect(block && problemOf(block)).toEqual(problem);
});

test('a dead link and a heading that is not there are found', () => {
  const text =
    '# One `two`\n[a](#one-two) [b](nowhere.md) [c](docs/cli.md#nowhere) [d](docs/cli.md)\n';
  expect(deadLinksOf('ARCHITECTURE.md', text.replace('#one-two', '#the-words'))).toEqual([
    'nowhere.md',
    'docs/cli.md#nowhere',
  ]);
  expect(anchorsOf(text)).toEqual(new Set(['one-two']));
});

test(`README.md has at most ${readmeLinesMax} lines`, () => {
  expect(source('README.md').text.split('\n').length - 1).toBeLessThanOrEqual(readmeLinesMax);
});

test('README.md names the version that it is about', () => {
  const { version } = JSON.parse(source('package.json').text) as { version: string };
  const [minor = ''] = /^\d+\.\d+/.exec(version) ?? [];
  expect(source('README.md').text).toContain(`**not yet: version ${minor}**`);
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

    expect(deadLinksOf(path, text), 'links that lead nowhere').toEqual([]);

    const scripts = {
      ...scriptsOf('package.json'),
      ...scriptsOf('templates/project/package.json'),
    };
    const named = [...text.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)].map((match) => match[1] ?? '');
    expect(
      named.filter((name) => !(name in scripts)),
      'npm scripts that exist',
    ).toEqual([]);
  });
});
