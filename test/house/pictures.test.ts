// Goal: each page of the dashboard has pictures, in all ways of looking, and the page about it shows them.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { looks, pictureName, shots } from '../browser/shots.ts';
import { sources } from './sources.ts';

const folder = new URL('../../docs/img/', import.meta.url);
const all = Object.values(shots).flat();

/** A page is made by a function whose name says so. */
function pagesIn(text: string): string[] {
  const made = [...text.matchAll(/^export (?:async )?function (\w+Page|unavailable)\b/gm)];
  return made.map(([, name = '']) => name).filter((name) => !parts.has(name));
}

/** Of these, one is a stream, and the other the parts of a page that stay true. */
const parts: ReadonlySet<string> = new Set(['livePage', 'nowPage']);

test('a page is found by its function', () => {
  expect(pagesIn('export async function forkPage(a) {\nexport function nowPage(')).toEqual([
    'forkPage',
  ]);
});

test('each page has a picture', () => {
  const pages = sources
    .filter(({ path }) => path.startsWith('src/dashboard/'))
    .flatMap(({ text }) => pagesIn(text));
  expect(pages.length).toBeGreaterThan(15);
  const shown = new Set(all.map((shot) => shot.of));
  expect(pages.filter((page) => !shown.has(page))).toEqual([]);
  expect([...shown].filter((page) => !pages.includes(page))).toEqual([]);
});

test('each picture is there in all ways of looking, small enough to be kept, and none is left over', () => {
  const wanted = all.flatMap((shot) => looks.map((look) => pictureName(shot, look)));
  const there = readdirSync(folder).filter((name) => name.endsWith('.png'));
  expect(there.toSorted()).toEqual(wanted.toSorted());
  const bytes = there.map((name) => statSync(new URL(name, folder)).size);
  expect(Math.max(...bytes)).toBeLessThan(120_000);
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(3_500_000);
});

test('docs/dashboard.md shows each of them, or leads to it', () => {
  const page = readFileSync(new URL('../dashboard.md', folder), 'utf8');
  const named = all.filter(({ name }) => !page.includes(`(img/${name}-light-desktop.png)`));
  expect(named.map(({ name }) => name)).toEqual([]);
});
