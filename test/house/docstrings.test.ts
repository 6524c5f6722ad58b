// Goal: an editor tells a user of the package what each public name promises. Method: the compiler lists the exports of
// every entry with their members; each has a docstring. No docstring only repeats the name, and
// each keeps to the rules of prose.
import { expect, test } from 'vitest';
import { proseProblems } from './prose.ts';
import { type PublicName, publicNames } from './public-api.ts';
import { source } from './sources.ts';

const entries = [
  'index',
  'ai',
  'testing',
  'dashboard',
  'metrics',
  'otel',
  'file',
  'import',
  'langgraph',
  'openai-agents',
  'doctor',
  'mcp',
  'assistant-ui',
  'tanstack-ai',
].map((name) => `src/${name}.ts`);
/** Fewer than this and the compiler has not seen the package. */
const namesMin = 1_000;

const filler = new Set(['the', 'a', 'an', 'of', 'this', 'is', 'its', 'for', 'that', 'to']);

function wordsOf(text: string): string[] {
  return text
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '' && !filler.has(word));
}

function problemOf({ name, docstring }: PublicName): string | undefined {
  if (docstring === '') return 'has no docstring';
  const known = new Set(wordsOf(name));
  if (wordsOf(docstring).every((word) => known.has(word))) return 'repeats its name';
  const [problem] = proseProblems(docstring.replaceAll(/^ {4}.*$/gm, ''), { mayBeLabel: true });
  return problem;
}

const problemsOf = (names: readonly PublicName[]): string[] =>
  names.flatMap((one) => {
    const problem = problemOf(one);
    return problem === undefined ? [] : [`${one.file}: ${one.name} ${problem}`];
  });

test('an absent docstring is caught, and one that says nothing', () => {
  const at = { file: 'src/a.ts' };
  expect(
    problemsOf([
      { ...at, name: 'Run.createdAt', docstring: '' },
      { ...at, name: 'Run.createdAt', docstring: 'The run is created at.' },
      { ...at, name: 'Run.end', docstring: 'Called behind each run.' },
      { ...at, name: 'Run.createdAt', docstring: "When the run was started, on Redis' clock." },
    ]),
  ).toEqual([
    'src/a.ts: Run.createdAt has no docstring',
    'src/a.ts: Run.createdAt repeats its name',
    'src/a.ts: Run.end "Called behind each run.": "behind" is a place; say "after" for time',
  ]);
});

/** What a user calls or sets: all of it has a row in docs/reference.md. */
const referred = /^(?:Pawl|RunHandle|Context|StepContext|StartOptions|WorkflowDefinition)\.(\w+)$/;

/** Names of methods and options that a page does not have in code. */
function absentFrom(page: string, names: readonly string[]): string[] {
  const code = [...page.matchAll(/`[^`]+`/g)].join(' ');
  return names.filter((name) => {
    const [, member = ''] = referred.exec(name) ?? [];
    return member !== '' && !new RegExp(`\\b${member}\\b`).test(code);
  });
}

test('a method without a row is found', () => {
  const page = '| `pawl.start(workflow)` | starts a run | list |';
  expect(absentFrom(page, ['Pawl.start', 'Pawl.list', 'Worker.id'])).toEqual(['Pawl.list']);
});

test('every public name says what it promises, and methods have a row in docs/reference.md', () => {
  const names = publicNames(entries);
  expect(names.length).toBeGreaterThanOrEqual(namesMin);
  const known = names.map(({ name }) => name);
  expect(known).toEqual(
    expect.arrayContaining(['Pawl.open', 'Pawl.list', 'RunHandle.result', 'Context.step']),
  );
  expect(problemsOf(names)).toEqual([]);
  expect(absentFrom(source('docs/reference.md').text, known)).toEqual([]);
}, 60_000);
