import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { source, sources } from './sources.ts';

const page = 'examples/README.md';
const rowsMin = 60;

/** What is wrong with a page: links to what is not there, tests that a linked file does not hold. */
function problemsOf(text: string): string[] {
  const anchors = new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(/\s/g, '-'),
    ),
  );
  return text.split('\n').flatMap((line) => {
    const problems: string[] = [];
    // A link, and the names of tests that follow it: [fold](../test/unit/core/fold.test.ts) “one”, “two”
    for (const match of line.matchAll(/\]\((?!https?:)([^)\s]+)\)((?:,? “[^”\]]+”)*)/g)) {
      const [, target = '', names = ''] = match;
      const [path = '', anchor = ''] = target.split('#');
      const file = path === '' ? page : posix.join(posix.dirname(page), path);
      if (!existsSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)))) {
        problems.push(`${target} does not exist`);
        continue;
      }
      if (path === '' && !anchors.has(anchor)) problems.push(`#${anchor} is no heading`);
      for (const [, name = ''] of names.matchAll(/“([^”]+)”/g)) {
        const known = source(file).text.includes(`'${name}'`);
        if (!known) problems.push(`${file} has no test “${name}”`);
      }
    }
    return problems;
  });
}

test('a dead link, a heading and a test that are not there are caught', () => {
  const text = '[a](nowhere.ts) [b](#nowhere) [c](../test/house/examples.test.ts) “no such name”';
  expect(problemsOf(text)).toHaveLength(3);
});

test('the page of the examples links to files and tests that exist', () => {
  const { text } = source(page);
  expect(problemsOf(text)).toEqual([]);
  expect(text.match(/^\| .+ \|$/gm)?.length).toBeGreaterThan(rowsMin);
});

test('every example is on the page', () => {
  const mains = sources.filter(({ path }) => /^examples\/[^/]+\/main\.ts$/.test(path));
  const { text } = source(page);
  const names = mains.map(({ path }) => path.split('/')[1] ?? '');
  expect(names.length).toBeGreaterThanOrEqual(7);
  expect(names.filter((name) => !text.includes(`](${name}/`))).toEqual([]);
});
