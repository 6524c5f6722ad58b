// Goal: a call is rejected when its time is over, and only then, in whatever order the others are answered; a long line of
// answered calls takes no memory.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Deadlines } from '../../../src/redis/deadlines.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function callOf(rejected: string[], name: string): { reject(error: Error): void } {
  return { reject: (error) => rejected.push(`${name}: ${error.message}`) };
}

test('calls that are not answered in time are rejected, the others are not', () => {
  const deadlines = new Deadlines();
  const rejected: string[] = [];
  const places = ['a', 'b', 'c', 'd'].map((name) => {
    vi.advanceTimersByTime(10);
    return deadlines.add(callOf(rejected, name), 100);
  });
  const [, b, c] = places;
  if (b === undefined || c === undefined) throw new Error('no places');
  deadlines.meet(c);
  vi.advanceTimersByTime(70);
  expect(rejected).toEqual(['a: Command timed out']);
  deadlines.meet(b);
  vi.advanceTimersByTime(1_000);
  expect(rejected).toEqual(['a: Command timed out', 'd: Command timed out']);
  deadlines.add(callOf(rejected, 'e'), 100);
  vi.advanceTimersByTime(100);
  expect(rejected.at(-1)).toBe('e: Command timed out');
  expect(vi.getTimerCount()).toBe(0);
});

test('one that is never answered does not keep those after it', () => {
  const deadlines = new Deadlines();
  const rejected: string[] = [];
  deadlines.add(callOf(rejected, 'silent'), 100);
  for (let i = 0; i < 5_000; i++) deadlines.meet(deadlines.add(callOf(rejected, `${i}`), 100));
  vi.advanceTimersByTime(100);
  expect(rejected).toEqual(['silent: Command timed out']);
  vi.advanceTimersByTime(1_000);
  expect(rejected).toHaveLength(1);
});
