// Goal: which times are started after a gap. Method: a schedule of every second, looked at at chosen moments.
import { describe, expect, test } from 'vitest';
import { decide, type Over } from '../../../../src/engine/schedules/decision.ts';
import { toTimetable } from '../../../../src/engine/schedules/timetable.ts';
import { processorMs } from '../../../support/processor-time.ts';

const everyMs = (ms: number) =>
  toTimetable({ id: 'a', cron: undefined, timeZone: undefined, everyMs: ms });
const second = everyMs(1_000);

const over = (params: Partial<Over>): Over => ({
  nextAt: 1_000_000,
  now: 1_000_000,
  since: 0,
  missed: 'latest',
  most: 100,
  ...params,
});

const seconds = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => (from + i) * 1_000);

describe.each(['skip', 'latest', 'all'] as const)('with missed %s', (missed) => {
  test('a time that has come is started', () => {
    expect(decide(over({ missed }), second)).toEqual({
      times: [1_000_000],
      nextAt: 1_001_000,
      leftOut: 0,
    });
  });

  test('nothing is started before its time', () => {
    const early = over({ missed, now: 999_999 });
    expect(decide(early, second)).toEqual({ times: [], nextAt: 1_000_000, leftOut: 0 });
  });

  test('late times are all started while a worker was there: a take-over costs none', () => {
    const late = over({ missed, now: 1_020_500, since: 5 });
    expect(decide(late, second)).toEqual({
      times: seconds(1_000, 1_020),
      nextAt: 1_021_000,
      leftOut: 0,
    });
  });

  test('a worker that takes the place of another one within three seconds was not missed', () => {
    const replaced = over({ missed, now: 1_003_100, since: 1_003_000 });
    expect(decide(replaced, second).times).toEqual(seconds(1_000, 1_003));
  });

  test('only so many are decided about at once', () => {
    const many = over({ missed, now: 1_030_000, most: 7 });
    expect(decide(many, second)).toEqual({
      times: seconds(1_000, 1_006),
      nextAt: 1_007_000,
      leftOut: 0,
    });
  });
});

describe('times at which no worker was there', () => {
  // From 1,000 to 1,009 nobody was there.
  const gap = over({ now: 1_012_500, since: 1_010_000 });

  test('skip leaves them out', () => {
    expect(decide({ ...gap, missed: 'skip' }, second)).toEqual({
      times: seconds(1_010, 1_012),
      nextAt: 1_013_000,
      leftOut: 10,
    });
  });

  test('latest starts the last of them', () => {
    expect(decide({ ...gap, missed: 'latest' }, second)).toEqual({
      times: seconds(1_009, 1_012),
      nextAt: 1_013_000,
      leftOut: 9,
    });
  });

  test('all starts each of them', () => {
    expect(decide({ ...gap, missed: 'all' }, second)).toEqual({
      times: seconds(1_000, 1_012),
      nextAt: 1_013_000,
      leftOut: 0,
    });
  });

  test('what is a minute late is missed, whoever was there', () => {
    const late = over({ now: 1_070_000, most: 10 });
    expect(decide({ ...late, missed: 'skip' }, second)).toMatchObject({
      times: seconds(1_010, 1_019),
      leftOut: 10,
    });
    expect(decide({ ...late, missed: 'all' }, second).times).toEqual(seconds(1_000, 1_009));
  });

  test('a single missed time is the latest', () => {
    const one = over({ now: 1_900_000, since: 1_900_000 });
    const hourly = everyMs(1_000_000);
    expect(decide(one, hourly)).toEqual({ times: [1_000_000], nextAt: 2_000_000, leftOut: 0 });
    expect(decide({ ...one, missed: 'skip' }, hourly)).toEqual({
      times: [],
      nextAt: 2_000_000,
      leftOut: 1,
    });
  });

  test.each([
    ['of a minute', 60_000],
    ['of an hour', 3_600_000],
    ['of a year', 366 * 86_400_000],
    ['of ten years', 3_660 * 86_400_000],
  ])('a gap %s is passed at once, whatever the times', (_what, ms) => {
    const end = 1_000_000 + ms;
    for (const [name, timetable] of [
      ['every second', second],
      ['every 7 minutes', everyMs(420_000)],
      [
        'a day of the year',
        toTimetable({ id: 'a', cron: '5 4 3 2 *', timeZone: 'Europe/Berlin', everyMs: undefined }),
      ],
    ] as const) {
      const nextAt = timetable.next(999_999) ?? 0;
      if (nextAt >= end) continue;
      const due = over({ nextAt, now: end, since: end });
      expect(processorMs(() => decide(due, timetable))).toBeLessThan(1_000);
      const { times, leftOut, nextAt: next } = decide(due, timetable);
      const [latest = 0] = times;
      // Nothing lies between the last time of the gap and what comes behind it.
      expect(timetable.next(latest), name).toBeGreaterThanOrEqual(end);
      expect(latest).toBeLessThan(end);
      expect(next).toBeGreaterThan(end);
      expect(leftOut).toBeLessThan(1_000);
    }
  });
});

test('a timetable that comes to its end has no next time', () => {
  const timetable = { next: (at: number) => (at < 1_000_000 ? 1_000_000 : undefined) };
  const { times, nextAt } = decide(over({}), timetable);
  expect(times).toEqual([1_000_000]);
  expect(nextAt).toBe(8.64e15);
});
