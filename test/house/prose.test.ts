import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { errorCodes } from '../../src/core/errors.ts';
import { paragraphsOf, proseProblems, sentencesOf, wordsMax } from './prose.ts';
import { sources } from './sources.ts';

/** What newcomers read; the changelog is notes for those who know. */
const others = /^(?:README|ARCHITECTURE|CONTRIBUTING|SECURITY)\.md$/;
const inFolders = /^docs\/.*\.md$|^(?:examples|deploy|create-pawl|templates\/project)\/README\.md$/;
const pages = sources.filter(({ path }) => others.test(path) || inFolders.test(path));
const pagesMin = 40;

const words = (count: number): string => `A${' run'.repeat(count - 1)}.`;

test.each([
  ['a sentence that is too long', words(wordsMax + 1)],
  ['a time that is behind', 'The event comes behind the commit.'],
  ['nobody in particular', 'The run waits for whoever takes it.'],
  ['a sentence without an actor', 'What is stored stays.'],
  ['in a list, across lines', `- One.\n- The call\n  comes behind it.`],
  ['in bold', '**It is called behind each run.** Then it ends.'],
])('catches %s', (_name, text) => {
  expect(proseProblems(text)).toHaveLength(1);
});

test.each([
  ['a sentence of the full length', words(wordsMax)],
  ['a place', 'A client behind a proxy sees it.'],
  ['a question', 'What is stored?'],
  ['code', '```ts\n// behind\n```\n\n`behind the commit`'],
  ['a table', '| what comes behind |\n|---|\n| whoever |'],
  ['a list of names', `${'name · '.repeat(wordsMax)}name`],
])('passes %s', (_name, text) => {
  expect(proseProblems(text)).toEqual([]);
});

test('sentences end where a reader ends them', () => {
  const [first = '', second = ''] = paragraphsOf('One is `a.b`. pawl reads\nthe other.\n\n- Two.');
  expect(sentencesOf(first)).toEqual(['One is code.', 'pawl reads the other.']);
  expect(second).toBe('Two.');
});

describe('every page', () => {
  test('is looked at', () => {
    expect(pages.length).toBeGreaterThanOrEqual(pagesMin);
  });

  test.each(pages.map(({ path, text }) => [path, text]))('%s is plain', (_path, text) => {
    expect(proseProblems(text)).toEqual([]);
  });
});

test('the sentences of error codes are plain', () => {
  expect(Object.values(errorCodes).flatMap((meaning) => proseProblems(meaning))).toEqual([]);
});

test('the texts of all commands and flags are plain', () => {
  const commands = [buildProgram(new AbortController().signal)];
  for (const command of commands) commands.push(...command.commands);
  const texts = commands.flatMap((command) => [
    command.description(),
    ...command.options.map(({ description }) => description),
  ]);
  expect(texts.length).toBeGreaterThanOrEqual(80);
  expect(texts.flatMap((text) => proseProblems(text))).toEqual([]);
});
