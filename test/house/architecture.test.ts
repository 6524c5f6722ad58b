// Goal: the map of the house is the house. Method: folders and files that the pages name are looked for.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { source, sources } from './sources.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

function foldersOf(path: string): string[] {
  return readdirSync(`${root}${path}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** The folders that the table of a page names, as `core/`. */
function namedFolders(markdown: string): string[] {
  return [...markdown.matchAll(/^\| `([\w/-]+)\/` \| [^|\s]/gm)].map(([, name = '']) => name);
}

/** What programs make, and nobody stores. */
const made = source('.gitignore').text.split('\n');

/** Files and folders of the repository that a page names in code. */
function namedPaths(markdown: string): string[] {
  const pattern = /`((?:src|test|docs|tools|bench|examples)\/[\w./-]*\w)`/g;
  return [...markdown.matchAll(pattern)]
    .map(([, path = '']) => path)
    .filter((path) => !made.includes(path));
}

test('folders and paths are read off a page', () => {
  const text =
    '| `core/` | types |\n| `engine/runs/` | |\n`src/pawl.ts`, `src/a`, `test/*.ts`, `x.ts`';
  expect(namedFolders(text)).toEqual(['core']);
  expect(namedPaths(text)).toEqual(['src/pawl.ts', 'src/a']);
});

test('ARCHITECTURE.md has a line for each folder of src, and each room of the engine', () => {
  const folders = [
    ...foldersOf('src'),
    ...foldersOf('src/engine').map((room) => `engine/${room}`),
  ].sort();
  expect(folders.length).toBeGreaterThanOrEqual(20);
  expect(namedFolders(source('ARCHITECTURE.md').text).sort()).toEqual(folders);
});

const pages = sources.filter(({ path }) =>
  /^(README|ARCHITECTURE|CONTRIBUTING|SECURITY)\.md$|^docs\/.*\.md$/.test(path),
);

test.each(pages.map(({ path, text }) => [path, text]))(
  '%s names files that exist',
  (_path, text) => {
    expect(namedPaths(text).filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
  },
);
