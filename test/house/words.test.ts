// Goal: each thing has one name, and the names that were given up do not come back. Method: all sources, scripts and
// pages are searched for them. ARCHITECTURE.md has the words that hold.
import { describe, expect, test } from 'vitest';
import { source, sources } from './sources.ts';

/** What was given up, and the word that holds instead. */
const givenUp: readonly { readonly old: RegExp; readonly now: string }[] = [
  { old: /(?<!\)\.)\bloose\b/i, now: 'unmanaged' },
  { old: /\bdeaths\b/i, now: 'losses' },
  { old: /\.mail\(/, now: 'unread messages' },
  { old: /\briders?\b/i, now: 'piggyback' },
  { old: /\buntold\b/i, now: 'notification pending' },
  { old: /\bowesCancel\b/, now: 'cancelsChildren' },
  { old: /\bin-?turns?\b(?!s)/i, now: 'serial queue' },
  { old: /\bfoldUpTo\b/, now: 'foldAt' },
  { old: /\bhearing\b|\bdeaf(ness|en)?\b/i, now: 'queue probe' },
  { old: /\bcensus\b/i, now: 'stats' },
  { old: /\bvitals\b/i, now: 'store health' },
  { old: /\bexamination\b/i, now: 'doctor' },
  { old: /\bsurvey\b/i, now: 'index check' },
  { old: /\bset(s|ting)? aside\b|setAside/i, now: 'quarantine' },
  { old: /\blanes?\b/i, now: 'branch, of an event' },
  { old: /\bbury\b|\bunlist\b/i, now: 'remove remains, unindex' },
  { old: /\bfront door\b|\bdoors?\b/i, now: 'entry point' },
  { old: /\blookMs\b|#look\b/, now: 'poll, sample, compare or expire' },
  { old: /\bWholeRun\b/, now: 'exported run, full save' },
  { old: /\bkeptSnapshots?\b|\bKeepOptions\b/, now: 'checkpoint' },
];

/** Where a word means what it says: nobody is confused by it there. */
const elsewhere = new Set([
  'CHANGELOG.md',
  'test/house/words.test.ts',
  'src/redis/lua.gen.ts',
  'src/dashboard/pages.gen.ts',
]);

const searched = sources.filter(
  ({ path }) => /\.(ts|lua|md|mjs)$/.test(path) && !elsewhere.has(path),
);
const searchedMin = 500;

function oldWords(text: string): string[] {
  return text.split('\n').flatMap((line, i) =>
    givenUp.flatMap(({ old, now }) => {
      const found = old.exec(line);
      return found === null ? [] : [`${i + 1}: ${found[0]}, say: ${now}`];
    }),
  );
}

describe('a word that was given up', () => {
  test.each([
    ['a loose run', 'loose'],
    ["redis.call('HINCRBY', run, 'deaths', 1)", 'deaths'],
    ['The run is set aside.', 'set aside'],
    ['const rider = take();', 'rider'],
  ])('is found in %s', (text, word) => {
    expect(oldWords(text)).toEqual([expect.stringContaining(`1: ${word}`)]);
  });

  test('is not found in another', () => {
    expect(oldWords("z.object({}).loose(); send('mail.send'); looseObject")).toEqual([]);
  });
});

test('no word that was given up is used', () => {
  expect(searched.length).toBeGreaterThan(searchedMin);
  const found = searched.flatMap(({ path, text }) =>
    oldWords(text).map((problem) => `${path}:${problem}`),
  );
  expect(found).toEqual([]);
});

test('each word has one row in the glossary', () => {
  const [, glossary = ''] = source('ARCHITECTURE.md').text.split('## The words');
  const rows = [...glossary.split('\n## ')[0]!.matchAll(/^\| ([^|]+) \|/gm)].map(
    ([, row = '']) => row,
  );
  const words = rows.flatMap((row) => row.split(/ · |, /).map((word) => word.trim()));
  expect(words.length).toBeGreaterThan(30);
  expect(words.filter((word, i) => words.indexOf(word) !== i)).toEqual([]);
});
