// Goal: the page of observability names each span, attribute and metric that there is, and no other. Method: its tables
// against the constants of the code.
import { expect, test } from 'vitest';
import { attributeNames, eventNames, operations, spanNames } from '../../src/otel-names.ts';
import { source } from './sources.ts';

const page = source('docs/observability.md').text;

/** What stands between backquotes in the first cell of each row of a table. */
function firstCells(head: string): string[] {
  const start = page.indexOf(head);
  const table = page.slice(start, page.indexOf('\n\n', start));
  const rows = table.split('\n').slice(2);
  return rows.map((row) => /^\| `([^`]+)` \|/.exec(row)?.[1] ?? row);
}

test('spans', () => {
  const placeholders = [spanNames.execution('<workflow>'), spanNames.step('<step>')];
  expect(firstCells('| span |')).toEqual([...placeholders, ...Object.values(eventNames)]);
});

test('attributes, with the operations of generative AI', () => {
  expect(firstCells('| attribute |')).toEqual(Object.values(attributeNames));
  for (const operation of Object.values(operations)) expect(page).toContain(`\`${operation}\``);
});
