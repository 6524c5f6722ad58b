// Goal: the page of the nights keeps the row of each step until that step runs again, and figures are read from what the
// commands print. Method: pages and outputs as text.
import { expect, test } from 'vitest';
import { duration, type Night, withNight } from '../../nightly/page.ts';
import { type Step, steps } from '../../nightly/steps.ts';

const page = 'Words.\n\n<!-- nights: begin -->\n\n<!-- nights: end -->\nMore.\n';
const night: Night = {
  date: '2026-11-27',
  commit: 'abc1234',
  ms: 61_400,
  figures: '3 passed',
  passed: true,
};

function step(name: string): Step {
  const found = steps.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no step ${name}`);
  return found;
}

function rows(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('| '));
}

test('a step gets its row, and each other step one that says that it has not run', () => {
  const written = withNight(page, step('fuzz'), night);
  expect(rows(written)).toHaveLength(steps.length + 2);
  expect(written).toContain(
    `| fuzz | ${step('fuzz').what} | 2026-11-27 | abc1234 | 1 min 1 s | 3 passed | passed |`,
  );
  expect(written).toContain(`| guard | ${step('guard').what} | – | – | – | – | not run yet |`);
  expect(written.startsWith('Words.\n')).toBe(true);
  expect(written.endsWith('\nMore.\n')).toBe(true);
});

test('the row of another step stays as it was', () => {
  const first = withNight(page, step('fuzz'), night);
  const failed = { ...night, figures: 'a | b\nc', passed: false };
  const second = withNight(first, step('guard'), failed);
  const row = rows(first).find((line) => line.startsWith('| fuzz |'));
  expect(rows(second)).toContain(row);
  expect(second).toContain('| a / b; c | **failed** |');
});

test('a page without its marks is not written over', () => {
  expect(() => withNight('Words.', step('fuzz'), night)).toThrow('the page has no');
});

test.each([
  [59_400, '59 s'],
  [3_600_000, '60 min 0 s'],
])('%i ms are shown as %s', (ms, shown) => {
  expect(duration(ms)).toBe(shown);
});

test.each([
  [
    'tests',
    ' Test Files  1 failed\n      Tests  2 failed | 1885 passed | 1 skipped (1888)\n',
    '2 failed, 1,885 passed, 1 skipped',
  ],
  [
    'coverage',
    'RUN\nsrc/core: 98 % of lines\nsrc/redis: 97 % of lines\n',
    'src/core: 98 % of lines; src/redis: 97 % of lines',
  ],
  ['mutations', 'ok     found: x\n38 planted, 38 caught\n', '38 planted, 38 caught'],
  [
    'fuzz',
    '{"programs":10000,"crashes":1081,"rewinds":648,"seconds":9,"violations":[]}\n',
    '10,000 programs, 1,081 crashes, 648 rewinds, 0 violations',
  ],
  [
    'servers',
    'server  version       passed  failed  violations\nvalkey  valkey 8.0.1  935     0       –\n',
    'valkey 8.0.1: 935 passed, 0 failed, – violations',
  ],
])('the figures of %s are read', (name, output, figures) => {
  expect(step(name).figures(output, '')).toBe(figures);
});

test('a command that prints no report has no figures', () => {
  for (const name of ['tests', 'fuzz', 'matrix', 'storm', 'simulation', 'poison']) {
    expect(() => step(name).figures('Killed\n', '')).toThrow();
  }
});

test('names are told apart, and the date as a seed is one that every command takes', () => {
  expect(new Set(steps.map(({ name }) => name)).size).toBe(steps.length);
  for (const { command } of steps) {
    for (const scale of [1, 0.001]) {
      const { args } = command(20_261_127, scale);
      expect(args.length).toBeGreaterThan(0);
      expect(args).not.toContain('0');
    }
  }
});
