// Goal: an answer goes on in the same page when its worker is killed, with every word once, and the run keeps what the page
// has. Method: the trial of `npm run test:chat` with two answers.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { ChatReport } from './chat/trial.ts';

test('answers whose workers are killed are whole', async () => {
  const main = '.build/test/chaos/chat/main.js';
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--answers', '2']);
  const report = JSON.parse(stdout) as ChatReport;
  expect(report.violations).toEqual([]);
  expect(report.drops).toBeGreaterThanOrEqual(2);
});
