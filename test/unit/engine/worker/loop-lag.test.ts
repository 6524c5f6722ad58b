// Goal: however often it is asked, no block of the event loop is missed. Method: blocks of 80 ms, asked around them.
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LoopLag } from '../../../../src/engine/worker/loop-lag.ts';

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('a block is known at once, whenever it was last asked', async () => {
  for (const before of [0, 1, 5, 19, 20, 21, 40]) {
    const lag = new LoopLag();
    lag.begin();
    await pause(before);
    void lag.ms;
    block(80);
    expect(lag.ms).toBeGreaterThan(55);
    await pause(5);
    // It is remembered, for a loss that is noticed later.
    expect(lag.ms).toBeGreaterThan(55);
    lag.end();
  }
});

test('nothing is measured before the beginning and behind the end', async () => {
  const lag = new LoopLag();
  block(60);
  expect(lag.ms).toBe(0);
  lag.begin();
  lag.end();
  block(500);
  expect(lag.ms).toBeLessThan(400);
});
