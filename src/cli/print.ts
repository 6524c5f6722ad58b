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

/** Where a table is shown. Without a width, whole values and whole times are written, for other programs. */
export interface Look {
  /** Columns of the terminal; undefined where no person reads it. */
  readonly width: number | undefined;
  readonly now: Date;
  /** Paints a cell of this column. */
  readonly paint: (text: string, column: string) => string;
}

/** Narrower than this, a column says nothing any more. */
const columnMin = 8;
/** So much of an id is shown, and more where the beginnings are the same: commands take it in place of the whole id. */
const idMin = 12;
const gap = 2;

/**
 * A table without lines; what is absent stays empty. On a terminal it is made to fit the width: columns in which no row has
 * anything go first, then texts are cut, the widest first, and last of all ids, to a beginning that only one row has.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly unknown[])[],
  { width, now, paint }: Look,
): string {
  const all = head.map((name, i) => {
    const cells = rows.map((row) => cell(row[i], width === undefined ? {} : { now }));
    return { name, cells, width: Math.max(name.length, ...cells.map((text) => text.length)) };
  });
  const columns = width === undefined ? all : fitted(all, width);
  const made = new Table({
    head: columns.map((column) => shortened(column.name.toUpperCase(), column.width)),
    chars: { ...noLines, middle: ' '.repeat(gap) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of rows.keys()) {
    made.push(
      columns.map(({ name, cells, width: most }) => paint(shortened(cells[row] ?? '', most), name)),
    );
  }
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

interface Column {
  readonly name: string;
  readonly cells: readonly string[];
  width: number;
}

/** What people copy from one command to the next, and what has a colour. */
const whole: ReadonlySet<string> = new Set(['worker', 'wait', 'key', 'status']);
const ids: ReadonlySet<string> = new Set(['run', 'id']);

function fitted(all: readonly Column[], width: number): readonly Column[] {
  const room = (columns: readonly Column[]): number => width - gap * (columns.length - 1);
  const isOver = all.reduce((sum, column) => sum + column.width, 0) > room(all);
  const columns = isOver ? all.filter(({ cells }) => cells.some(saysSomething)) : all;
  const texts = columns.filter(({ name }) => !whole.has(name) && !ids.has(name));
  shrink(columns, texts, { room: room(columns), least: () => columnMin });
  const named = columns.filter(({ name }) => ids.has(name));
  shrink(columns, named, { room: room(columns), least: ({ cells }) => beginningOf(cells) });
  return columns;
}

function saysSomething(text: string): boolean {
  return text !== none && text !== '0';
}

/** So many characters tell all of them apart, with the sign that there are more. */
function beginningOf(cells: readonly string[]): number {
  const different = new Set(cells);
  let length = idMin;
  while (new Set([...different].map((id) => id.slice(0, length))).size < different.size) length++;
  return length + 1;
}

/** Takes from the widest of `open` until all columns fit, or until none of them can give more. */
function shrink(
  columns: readonly Column[],
  open: readonly Column[],
  { room, least }: { readonly room: number; readonly least: (column: Column) => number },
): void {
  for (;;) {
    const over = columns.reduce((sum, { width }) => sum + width, 0) - room;
    const giving = open.filter((column) => column.width > least(column));
    const widest = Math.max(0, ...giving.map(({ width }) => width));
    const column = giving.findLast(({ width }) => width === widest);
    if (over <= 0 || column === undefined) return;
    const second = Math.max(0, ...giving.filter((one) => one !== column).map(({ width }) => width));
    column.width = Math.max(second - 1, widest - over, least(column));
  }
}

function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Terminals obey them, and texts of runs may come from anybody. */
const controls = /\p{Cc}+/gu;

function cell(value: unknown, { now }: { readonly now?: Date } = {}): string {
  if (value === undefined || value === null) return none;
  if (value instanceof Date) return now === undefined ? value.toISOString() : ago(value, now);
  return typeof value === 'string' ? value.replaceAll(controls, ' ') : inline(value);
}

/** The largest first. */
export const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** `3m ago`, or `in 3m`. */
export function ago(time: Date, now: Date): string {
  const ms = now.getTime() - time.getTime();
  const [unit, size] = units.find(([, one]) => Math.abs(ms) >= one) ?? ['s', 1_000];
  const count = Math.floor(Math.abs(ms) / size);
  if (count === 0) return 'now';
  return ms > 0 ? `${count}${unit} ago` : `in ${count}${unit}`;
}

/** `1 run`, `2 runs`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
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

/** Names and values below each other; those without a value are left out. For a terminal: times are told with their age. */
export function pairs(entries: Readonly<Record<string, unknown>>, look?: Look): string[] {
  const present = Object.entries(entries).filter(([, value]) => cell(value) !== none);
  const width = Math.max(...present.map(([name]) => name.length));
  return present.map(([name, value]) => {
    const text = cell(value);
    if (look === undefined) return `${name.padEnd(width)}  ${text}`;
    const age = value instanceof Date ? ` (${ago(value, look.now)})` : '';
    return `${name.padEnd(width)}  ${look.paint(text, name)}${age}`;
  });
}
