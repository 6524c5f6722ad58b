// Goal: an answer goes on in the same page when its worker is killed, with every word once, and the run keeps what the page
// has. Method: the trial of `npm run test:chat` with two answers, and with two recorded conversations.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { RecordedReport } from './chat/recorded-trial.ts';
import type { ChatReport } from './chat/trial.ts';

async function play<Report>(...args: string[]): Promise<Report> {
  const main = '.build/test/chaos/chat/main.js';
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args]);
  return JSON.parse(stdout) as Report;
}

test('answers whose workers are killed are whole', async () => {
  const report = await play<ChatReport>('--answers', '2');
  expect(report.violations).toEqual([]);
  expect(report.drops).toBeGreaterThanOrEqual(2);
});

test('recorded conversations are as they were recorded, with each call of a tool', async () => {
  const report = await play<RecordedReport>('--recorded', '2', '--seed', '3');
  expect(report.violations).toEqual([]);
  expect(report.answers).toBeGreaterThan(4);
  expect(report.calls).toBeGreaterThan(report.answers);
});
