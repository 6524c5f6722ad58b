// Goal: what keeps this process from running is not counted, and waiting is. Method: blocks of the event loop, and timers.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { calmTimeOf } from '../../support/calm-time.ts';

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('waiting counts', async () => {
  expect(await calmTimeOf(() => pause(300))).toBeGreaterThan(150);
});

test('a blocked loop does not count, wherever it falls', async () => {
  const ms = await calmTimeOf(async () => {
    block(400);
    await pause(1);
    block(400);
  });
  expect(ms).toBeLessThan(400);
});

test('work that fails fails here', async () => {
  await expect(calmTimeOf(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
});
