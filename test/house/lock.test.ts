import { expect, test } from 'vitest';
import { source } from './sources.ts';

interface Entry {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Places = Readonly<Record<string, Entry>>;

/** Where an entry of the lock file finds the package; undefined when nobody could install it. */
function placeOf(places: Places, from: string, name: string): string | undefined {
  const place = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (place in places) return place;
  if (from === '') return undefined;
  const above = from.lastIndexOf('/node_modules/');
  return placeOf(places, above === -1 ? '' : from.slice(0, above), name);
}

/** What would keep `npm ci` from working for everybody, as sentences. */
function problemsOf(places: Places): string[] {
  return Object.entries(places).flatMap(([place, entry]) => {
    const needs = Object.keys({ ...entry.dependencies, ...entry.optionalDependencies });
    const missing = needs.filter((name) => placeOf(places, place, name) === undefined);
    const isOurs = place === '';
    return [
      ...missing.map((name) => `${place} needs ${name}, which has no entry`),
      ...(isOurs || entry.integrity !== undefined ? [] : [`${place} has no integrity`]),
      ...(entry.resolved === undefined ? [] : [`${place} has an address`]),
    ];
  });
}

test('an entry that is missing, unproven, or tied to an address is found', () => {
  const found = problemsOf({
    '': { dependencies: { a: '1' } },
    'node_modules/a': { integrity: 'x', optionalDependencies: { b: '1', c: '1' } },
    'node_modules/a/node_modules/b': { integrity: 'x', dependencies: { a: '1' } },
    'node_modules/d': { resolved: 'somewhere' },
  });
  expect(found).toEqual([
    'node_modules/a needs c, which has no entry',
    'node_modules/d has no integrity',
    'node_modules/d has an address',
  ]);
});

// To mend it: rm -rf node_modules package-lock.json && npm install
test('the lock file has the packages of every platform, and no addresses', () => {
  const { packages } = JSON.parse(source('package-lock.json').text) as { packages: Places };
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(problemsOf(packages)).toEqual([]);
  expect(source('.npmrc').text).toContain('omit-lockfile-registry-resolved=true');
});
