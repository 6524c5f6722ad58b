// Goal: the page of queues says how fast jobs are sent, and says nothing where it cannot know. Method: looks at given times.
import { expect, test } from 'vitest';
import { Rates } from '../../../src/dashboard/queue-rates.ts';
import type { QueueInfo } from '../../../src/core/queue.ts';

const minute = 60_000;

test('the rate is that of the last minute, of each queue', () => {
  const rates = new Rates();
  const of = (workflow: string, sent: number, now: number): number | undefined =>
    rates.of({ workflow, sent } as QueueInfo, now);
  expect(of('a', 100, 0)).toBeUndefined();
  expect(of('b', 7, 0)).toBeUndefined();
  // Too close to tell.
  expect(of('a', 101, 1_000)).toBeUndefined();
  expect(of('a', 110, 10_000)).toBe(60);
  // A queue that stands still has a rate.
  expect(of('b', 7, 10_000)).toBe(0);
  // The first look is older than a minute, and the second is at 1 s.
  expect(of('a', 201, 61_000)).toBe(100);
  // Somebody has removed the queue.
  expect(of('a', 3, minute + 2_000)).toBeUndefined();
});
