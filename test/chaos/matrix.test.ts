// Goal: the fault matrix passes in a short form, and its command line keeps its word. Method: the compiled program as a
// child process with a fixed seed, and its report.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, inject, test } from 'vitest';
import { compiled } from '../support/child.ts';
import { soundHistory } from '../support/history/sound.ts';
import { newPrefix } from '../support/workers.ts';
import { readOptions } from './matrix/options.ts';
import { judgeWorld } from './matrix/verdict.ts';
import { Witness } from './matrix/witness.ts';
import type { Report } from './matrix/worker-process.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function matrix(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [compiled('test/chaos/matrix/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const cheap = [
  'worker-kill',
  'worker-freeze',
  'wrong-clock',
  'redis-crash',
  'redis-rewind',
  'redis-freeze',
  'out-of-memory',
  'script-flush',
  'client-kill',
  'jobs-doubled',
  'jobs-deleted',
  'queue-deleted',
  'reply-dropped',
  'partition',
  'crash-before-commit',
  'crash-after-append',
  'crash-after-claim',
  'crash-before-interrupt',
];

test(
  'every cheap kind of fault happens once, and nothing is violated',
  { timeout: 120_000 },
  async () => {
    const args = ['--seed', '1', '--faults', String(cheap.length), '--workers', '3', '--json'];
    const { code, stdout, stderr } = await matrix(...args, '--only', cheap.join(','));
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report['violations'], stderr).toEqual([]);
    expect(report).toMatchObject({
      seed: 1,
      eventsLost: 0,
      eventsForgotten: expect.any(Number),
      staleWritesAccepted: 0,
      unhandledRejections: 0,
    });
    expect(Object.keys(report['faults'] as object).sort()).toEqual([...cheap].sort());
    expect(report['eventsAcknowledged']).toBeGreaterThan(500);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^seed 1\n/);
  },
);

test('a rejection that nobody handles is counted, and the matrix fails because of it', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix(), callMs: 5000, graceMs: 1000 };
  const args = [JSON.stringify({ ...setup, worker: {} })];
  const worker = spawn(process.execPath, [
    compiled('test/chaos/matrix/worker-process.ts'),
    ...args,
  ]);
  const witness = new Witness({ say: () => undefined, remembers: true });
  try {
    for await (const line of createInterface(worker.stdout)) {
      const report = JSON.parse(line) as Report;
      if (report.kind === 'ready') worker.stdin.write('{"abandon":"a promise"}\n');
      if (report.kind !== 'unhandled') continue;
      witness.unhandled(report.error);
      break;
    }
    // It lives, and goes on.
    expect(worker.exitCode).toBe(null);
  } finally {
    worker.kill('SIGKILL');
  }
  const verdict = judgeWorld(await soundHistory([]), witness, { mayForget: true });
  expect(verdict.unhandledRejections).toBe(1);
  expect(verdict.violations).toEqual([expect.stringContaining('nobody handles: Error: a promise')]);
});

test('a wrong command line ends with 2 and says why', async () => {
  const { code, stdout, stderr } = await matrix('--seed', 'x');
  expect(stderr).toContain('--seed must be a whole number');
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

test.each([
  [['--minutes', '0'], '--minutes must be a number above 0'],
  [['--only', 'earthquake'], 'earthquake'],
  [['--nonsense'], '--nonsense'],
])('what the command line may not say is named: %s', (args, reason) => {
  expect(() => readOptions(args, cheap)).toThrow(reason);
});
