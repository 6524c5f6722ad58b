// Goal: whoever gives no logger sees warnings and errors, as lines that a person or a program can read, whatever is in them.
import { expect, test } from 'vitest';
import { loggerFor } from '../../../src/core/log-lines.ts';
import type { Logger } from '../../../src/core/logger.ts';

const at = new Date(2026, 0, 2, 19, 5, 1);

function heard(env: Record<string, string>, isTTY: boolean, given?: Logger | false) {
  const lines: string[] = [];
  const out = { error: (line: string) => void lines.push(line) };
  const logger = loggerFor(given, { host: { env, stderr: { isTTY } }, out, now: () => at });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({}, level);
  return { lines, logger };
}

test('a terminal gets lines to read, everything else gets JSON', () => {
  const terminal = heard({ NO_COLOR: '1' }, true);
  terminal.lines.length = 0;
  const about = { run: 'order-1', absent: undefined, error: 'Error: no "card"', inMs: 20 };
  terminal.logger.warn(about, 'run failed');
  expect(terminal.lines).toEqual([
    String.raw`19:05:01 pawl WARN  run failed  run=order-1 error="Error: no \"card\"" inMs=20`,
  ]);
  const file = heard({}, false);
  file.lines.length = 0;
  file.logger.error({ run: 'order-1' }, 'run quarantined');
  expect(file.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      level: 'error',
      time: at.toISOString(),
      name: 'pawl',
      msg: 'run quarantined',
      run: 'order-1',
    },
  ]);
});

test.each([
  ['', ['warn', 'error']],
  ['off', []],
  ['error', ['error']],
  ['debug', ['debug', 'info', 'warn', 'error']],
])('PAWL_LOG=%s says %s', (level, said) => {
  const { lines } = heard({ PAWL_LOG: level }, false);
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(said);
});

test('another word is refused, and false is silence', () => {
  expect(() => heard({ PAWL_LOG: 'loud' }, false)).toThrow(/PAWL_LOG must be one of off, error/);
  expect(heard({}, true, false).lines).toEqual([]);
});

test.each([true, false])(
  'one line stays one line, and nothing steers the terminal (%s)',
  (isTTY) => {
    const { lines, logger } = heard({ NO_COLOR: '1' }, isTTY);
    lines.length = 0;
    const cycle: Record<string, unknown> = { big: 2n };
    cycle['self'] = cycle;
    logger.warn({ text: 'a\nb\u001B[2J\u009B1m', 'k\n': 1 }, 'x\ny\u001B[0m');
    logger.warn({ cycle, big: 2n, error: new Error('inner') }, 'odd');
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      for (const one of ['\n', '\u001B']) expect(line).not.toContain(one);
      if (isTTY) expect(line).not.toContain('\u009B');
    }
    expect(lines[1]).toContain('odd');
  },
);

test('colours only where they are wanted', () => {
  expect(heard({}, true).lines[0]).toContain('\u001B[33mWARN ');
  expect(heard({ NO_COLOR: '1' }, true).lines[0]).not.toContain('\u001B');
});
