/** Tables and values for people. */
import Table from 'cli-table3';
import { toTagged } from '../core/tagged-json.ts';

const none = '';
const noLines = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((name) => [name, none]),
);

/** A table without lines; what is absent stays empty. */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const made = new Table({
    head: head.map((name) => name.toUpperCase()),
    chars: { ...noLines, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of rows) made.push(row.map(cell));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return none;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : inline(value);
}

/** A value of a run on one line, without loss. */
export function inline(value: unknown): string {
  return JSON.stringify(toTagged(value));
}

/** The value on one line that is not longer than `width`. */
export function brief(value: unknown, width = 100): string {
  const line = inline(value);
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

/** Names and values below each other; those without a value are left out. */
export function pairs(entries: Readonly<Record<string, unknown>>): string[] {
  const present = Object.entries(entries).filter(([, value]) => cell(value) !== none);
  const width = Math.max(...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}`);
}
