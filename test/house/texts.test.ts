// Goal: what the commands and the pages say to people is plain. Method: their texts are taken out of the sources, and held
// to the rules of the docs and to some more.
import { describe, expect, test } from 'vitest';
import { proseProblems } from './prose.ts';
import { code } from './sources.ts';
import { textsOf } from './texts.ts';

/** What was hard to understand once. In code and in pages of the docs these words may stand. */
const unplain: readonly (readonly [RegExp, string])[] = [
  [/\bwants? (?:a|either|to be)\b/i, 'say "needs"'],
  [/\bis no (?:[A-Z]|\w+ (?:of|that)\b|address|length|place)/, 'say "is not a"'],
  [/\bis none\b/, 'say "is not known"'],
  [/\bso many\b/, 'say how many at most'],
  [/\blike this\b|\bthat is like\b/, 'say "these conditions"'],
  [/\bas (?:it|they) should\b/, 'say what is right or wrong'],
  [/\bis seen\b|\bheld by nobody\b/, 'name the actor'],
  [/\bpass(?:es|ed)? over\b/, 'say "skip"'],
  [/\bthe same again\b(?! for the rest)/, 'say "run the same command again"'],
];

function problemsIn(source: string): string[] {
  return textsOf(source).flatMap((text) => [
    ...proseProblems(text, { mayBeLabel: true }),
    ...unplain.flatMap(([pattern, instead]) =>
      pattern.test(text) ? [`"${text.slice(0, 60)}": ${instead}`] : [],
    ),
  ]);
}

test.each([
  ["shell.say('--input is no JSON: code');", 'is not a'],
  ['say(`Delete run ${id} wants a yes, and nobody can be asked.`);', 'needs'],
  ['html`<p class="x">No run is <b>like this</b>.</p>`;', 'these conditions'],
  ['html`<a title="${x} is none. Choose one of these">x</a>`;', 'is not known'],
  [`say('${'word '.repeat(26)}end.');`, '27 words'],
  ["say('It comes behind the commit.');", 'behind'],
])('%s', (source, problem) => {
  expect(problemsIn(source)).toEqual([expect.stringContaining(problem)]);
});

test.each([
  ["import { a } from './no place for code that is here.js';"],
  ['html`<p>One sentence ends here.</p><p>Another one begins <code>here</code>.</p>`;'],
  ['say(`There is no run ${id}.`);'],
])('%s is passed', (source) => {
  expect(problemsIn(source)).toEqual([]);
});

const files = code('src/cli', 'src/dashboard');

describe('the texts of each file', () => {
  test('are found', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(files.flatMap(({ text }) => textsOf(text)).length).toBeGreaterThan(800);
  });

  test.each(files.map(({ path, text }) => [path, text]))('%s', (_path, text) => {
    expect(problemsIn(text)).toEqual([]);
  });
});
