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
const gap = 2;

/** A table without lines; what is absent stays empty. On a terminal it is cut to the width, the widest columns first. */
export function table(
  head: readonly string[],
  rows: readonly (readonly unknown[])[],
  { width, now, paint }: Look,
): string {
  const texts = rows.map((row) =>
    row.map((value) => cell(value, width === undefined ? {} : { now })),
  );
  const widths = head.map((name, i) =>
    Math.max(name.length, ...texts.map((row) => row[i]?.length ?? 0)),
  );
  const isCut = head.map((name) => !whole.has(name));
  if (width !== undefined) shrink(widths, isCut, width - gap * (head.length - 1));
  const cut = (text: string, i: number): string => shortened(text, widths[i] ?? text.length);
  const made = new Table({
    head: head.map((name, i) => cut(name.toUpperCase(), i)),
    chars: { ...noLines, middle: ' '.repeat(gap) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of texts) {
    made.push(row.map((text, i) => paint(cut(text, i), head[i] ?? '')));
  }
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** What people copy from one command to the next. */
const whole: ReadonlySet<string> = new Set('run worker id wait key'.split(' '));

/** Takes from the widest column until all fit, or until none can give more. */
function shrink(widths: number[], isCut: readonly boolean[], room: number): void {
  for (;;) {
    const over = widths.reduce((sum, one) => sum + one, 0) - room;
    const open = widths.filter((_, i) => isCut[i]);
    const widest = Math.max(0, ...open);
    if (over <= 0 || widest <= columnMin) return;
    const second = Math.max(columnMin, ...open.filter((one) => one < widest));
    const at = widths.findLastIndex((one, i) => isCut[i] === true && one === widest);
    widths[at] = Math.max(second - 1, widest - over, columnMin);
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
