// Goal: tables are whole for programs, and fit the terminal for people, with nothing that steers it.
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { ago, counted, type Look, pairs, table } from '../../../src/cli/print.ts';

const now = new Date('2026-01-02T12:00:00Z');
const piped: Look = { width: undefined, now, paint: (text) => text };
const terminal = (width: number): Look => ({
  width,
  now,
  paint: (text, column) => (column === 'status' ? `\u001B[32m${text}\u001B[39m` : text),
});
const visible = stripVTControlCharacters;
const at = new Date('2026-01-02T11:57:00Z');
const id = 'order-0123456789-0123456789-0123456789';
const head = ['run', 'status', 'created', 'error'];
const rows = [[id, 'failed', at, 'the bank said no, and it said so at great length, twice over']];

test('a pipe gets whole values and whole times', () => {
  const text = table(head, rows, piped);
  expect(text).toContain('2026-01-02T11:57:00.000Z');
  expect(text).toContain('twice over');
});

test('a terminal gets ages and colours, and no line is wider than it', () => {
  const text = table(head, rows, terminal(80));
  expect(text).toContain('\u001B[32mfailed\u001B[39m');
  expect(text).toContain('3m ago');
  for (const line of text.split('\n')) expect(visible(line).length).toBeLessThanOrEqual(80);
  expect(text).toMatch(/the bank.*…/);
});

test('an id is cut last, to a beginning that only one row has, and a status never', () => {
  const first = 'order-0123456789-aaaa-1';
  const second = 'order-0123456789-bbbb-1';
  const [error] = rows.map((row) => row[3]);
  const both = [first, second].map((one) => [one, 'quarantined', at, error]);
  const shown = visible(table(head, both, terminal(20))).split('\n');
  expect(shown[1]).toMatch(/^order-0123456789-a… {2}quarantined {2}3m ago {3}the ban…$/);
  expect(shown[2]).toMatch(/^order-0123456789-b… /);
  expect(visible(table(head, both, terminal(60)))).toContain(`${first}  quarantined`);
});

test('a column in which no row has anything gives way to the others', () => {
  const wide = [...head, 'takeovers'];
  const text = table(
    wide,
    rows.map((row) => [...row, 0]),
    terminal(80),
  );
  expect(text).not.toContain('TAKEOVERS');
  expect(table(wide, [[id, 'failed', at, 'no', 0]], terminal(80))).toContain('TAKEOVERS');
  expect(table(wide, [[...(rows[0] ?? []), 1]], terminal(80))).toContain('TAKEOVERS');
});

test('texts of one width are cut alike', () => {
  const text = visible(table(['a', 'b'], [['x'.repeat(30), 'y'.repeat(30)]], terminal(32)));
  expect(text.split('\n')[1]).toBe(`${'x'.repeat(14)}…  ${'y'.repeat(14)}…`);
});

test('what steers a terminal is left out', () => {
  const text = table(['error'], [['a\nb\u001B[2Jc\u009Bd']], piped);
  expect(text).toBe('ERROR\na b [2Jc d');
  expect(pairs({ error: 'x\u001B]0;title\u0007' })).toEqual(['error  x ]0;title ']);
});

test('ages and counts', () => {
  const later = (ms: number): Date => new Date(now.getTime() + ms);
  const ages = [0, -999, -1_000, -119_000, -7_300_000, -90_000_000_000, 61_000];
  expect(ages.map((ms) => ago(later(ms), now))).toEqual([
    'now',
    'now',
    '1s ago',
    '1m ago',
    '2h ago',
    '1041d ago',
    'in 1m',
  ]);
  expect([counted(0, 'run'), counted(1, 'run'), counted(2, 'run')]).toEqual([
    '0 runs',
    '1 run',
    '2 runs',
  ]);
});

test('on a terminal a time has its age', () => {
  expect(pairs({ status: 'failed', created: at }, terminal(80))).toEqual([
    'status   \u001B[32mfailed\u001B[39m',
    'created  2026-01-02T11:57:00.000Z (3m ago)',
  ]);
});
