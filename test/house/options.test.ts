import { expect, test } from 'vitest';
import { code, source } from './sources.ts';

const entries = 'index ai dashboard doctor file import langgraph testing'.split(' ');
const isTaken = /(Options|Policy|Rule|Times|Expiry|Limits|Request|Definition)$/;
const takenMin = 35;

/** Types whose table is written for another name of them. */
const otherNames: Readonly<Record<string, string>> = {
  WorkflowDefinition: "optionsOf<AnyWorkflow['definition']>",
  GraphDefinition: 'optionsOf<AnyDefinition>',
  DurableOptions: 'optionsOf<AnyDurableOptions>',
};

/** Types that have no table, and why. */
const without: Readonly<Record<string, string>> = {
  CancelRequest: 'It is given to callers, who do not give it.',
  RunStoreSuiteOptions: 'Who passes it is a test itself.',
  ResumeQueueSuiteOptions: 'Who passes it is a test itself.',
  CheckpointerSuiteOptions: 'Who passes it is a test itself.',
};

/** Whether the sources have a table of rules for the options of this type. */
function hasTable(type: string, texts: readonly string[]): boolean {
  const other = otherNames[type];
  const table = new RegExp(`optionsOf<[^>;]*\\b${type}\\b`);
  return texts.some((text) => (other === undefined ? table.test(text) : text.includes(other)));
}

test('a type without a table is noticed', () => {
  expect(hasTable('AOptions', ['const check = optionsOf<AOptions>({ a: text });'])).toBe(true);
  expect(hasTable('AOptions', ['const check = optionsOf<Partial<AOptions>>({});'])).toBe(true);
  expect(hasTable('AOptions', ['const check = optionsOf<ABOptions>({});'])).toBe(false);
  expect(hasTable('WorkflowDefinition', ['optionsOf<Workflow>'])).toBe(false);
});

test('whatever is taken from users has a table of rules, so that no misspelled option is swallowed', () => {
  const exported = entries.flatMap((entry) =>
    source(`test/house/public-${entry}.txt`).text.split('\n'),
  );
  const taken = exported
    .filter((line) => line.startsWith('type '))
    .map((line) => line.slice('type '.length))
    .filter((type) => isTaken.test(type));
  expect(taken.length).toBeGreaterThanOrEqual(takenMin);
  expect(
    Object.keys({ ...otherNames, ...without }).filter((type) => !taken.includes(type)),
  ).toEqual([]);
  const texts = code('src').map(({ text }) => text);
  const swallowing = taken.filter((type) => !(type in without) && !hasTable(type, texts));
  expect(swallowing).toEqual([]);
});
