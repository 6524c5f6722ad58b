// Goal: the times of patterns, through every change of the clocks. Method: written-down cases of five zones, and random
// patterns around changes against a search that looks at every minute.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toTimetable } from '../../../../src/engine/schedules/timetable.ts';

const cronOf = (cron: string, timeZone = 'UTC') =>
  toTimetable({ id: 'a', cron, timeZone, everyMs: undefined });

/** The next times, as `27T01:30`: day, hour and minute of UTC. */
function nextOf(cron: string, timeZone: string, from: string, count: number): string {
  const timetable = cronOf(cron, timeZone);
  const times: string[] = [];
  let at = Date.parse(from);
  while (times.length < count) {
    at = timetable.next(at) ?? NaN;
    times.push(new Date(at).toISOString().slice(8, 16));
  }
  return times.join(' ');
}

describe('what the clocks leave out happens as much later, and what they show twice happens once', () => {
  test.each([
    // Berlin, 28 March 2027: 2:00 becomes 3:00, which is 1:00 of UTC.
    ['30 2 * * *', 'Europe/Berlin', '2027-03-27T12:00Z', '28T01:30 29T00:30 30T00:30'],
    ['0 2 * * *', 'Europe/Berlin', '2027-03-27T12:00Z', '28T01:00 29T00:00'],
    ['0 3 * * *', 'Europe/Berlin', '2027-03-27T12:00Z', '28T01:00 29T01:00'],
    ['*/20 2 * * *', 'Europe/Berlin', '2027-03-27T12:00Z', '28T01:00 28T01:20 28T01:40 29T00:00'],
    ['15 2,3 * * *', 'Europe/Berlin', '2027-03-27T12:00Z', '28T01:15 29T00:15 29T01:15'],
    ['0 */2 * * *', 'Europe/Berlin', '2027-03-27T22:00Z', '27T23:00 28T01:00 28T02:00 28T04:00'],
    // And 31 October: 3:00 becomes 2:00, which is 1:00 of UTC.
    ['30 2 * * *', 'Europe/Berlin', '2027-10-30T12:00Z', '31T00:30 01T01:30 02T01:30'],
    ['*/30 2 * * *', 'Europe/Berlin', '2027-10-30T12:00Z', '31T00:00 31T00:30 01T01:00'],
    ['0 3 * * *', 'Europe/Berlin', '2027-10-30T12:00Z', '31T02:00 01T02:00'],
    ['30 2 * * *', 'Europe/Berlin', '2027-10-31T00:45Z', '01T01:30'],
    ['30 2 * * *', 'Europe/Berlin', '2027-10-31T01:15Z', '01T01:30'],
    // New York, 14 March 2027: 2:00 becomes 3:00, which is 7:00 of UTC.
    ['30 2 * * *', 'America/New_York', '2027-03-13T12:00Z', '14T07:30 15T06:30'],
    ['0 2 * * 0', 'America/New_York', '2027-03-13T12:00Z', '14T07:00 21T06:00'],
    // And 7 November: 2:00 becomes 1:00, which is 6:00 of UTC.
    ['30 1 * * *', 'America/New_York', '2027-11-06T12:00Z', '07T05:30 08T06:30'],
    ['0 2 * * *', 'America/New_York', '2027-11-06T12:00Z', '07T07:00 08T07:00'],
    // Lord Howe changes by half an hour: 2:00 becomes 2:30, and 2:00 becomes 1:30.
    ['0 2 * * *', 'Australia/Lord_Howe', '2027-10-02T00:00Z', '02T15:30 03T15:00'],
    ['30 2 * * *', 'Australia/Lord_Howe', '2027-10-02T00:00Z', '02T15:30 03T15:30'],
    ['45 1 * * *', 'Australia/Lord_Howe', '2027-04-03T00:00Z', '03T14:45 04T15:15'],
    // In Santiago the day itself begins at 1:00.
    ['30 0 * * *', 'America/Santiago', '2027-09-04T12:00Z', '05T04:30 06T03:30'],
    ['0 0 5 9 *', 'America/Santiago', '2027-09-04T12:00Z', '05T04:00'],
    // A zone without changes.
    ['30 2 * * *', 'Asia/Kolkata', '2027-03-27T12:00Z', '27T21:00 28T21:00'],
  ])('%s in %s from %s: %s', (cron, zone, from, times) => {
    expect(nextOf(cron, zone, from, times.split(' ').length)).toBe(times);
  });
});

describe('a pattern for every hour goes on as time does', () => {
  test.each([
    ['30 * * * *', 'Europe/Berlin', '2027-03-27T23:00Z', '27T23:30 28T00:30 28T01:30 28T02:30'],
    ['30 * * * *', 'Europe/Berlin', '2027-10-30T23:00Z', '30T23:30 31T00:30 31T01:30 31T02:30'],
    ['0 0-23 * * *', 'America/New_York', '2027-11-07T04:30Z', '07T05:00 07T06:00 07T07:00'],
    ['*/20 * * * *', 'Australia/Lord_Howe', '2027-10-02T14:30Z', '02T14:50 02T15:10 02T15:40'],
    ['0 * * * *', 'Australia/Lord_Howe', '2027-04-03T13:30Z', '03T14:00 03T15:30 03T16:30'],
    ['30 * * * 0', 'Europe/Berlin', '2027-10-31T21:45Z', '31T22:30 06T23:30'],
  ])('%s in %s from %s: %s', (cron, zone, from, times) => {
    expect(nextOf(cron, zone, from, times.split(' ').length)).toBe(times);
  });
});

test.each([
  ['* * * * * *', '2027-01-01T00:00:00.500Z', 1_798_761_601_000],
  ['*/7 * * * *', '2027-01-01T00:56:00Z', Date.UTC(2027, 0, 1, 1)],
  ['0 0 29 2 *', '2096-03-01T00:00:00Z', Date.UTC(2104, 1, 29)],
  ['0 0 L * *', '2027-02-01T00:00:00Z', Date.UTC(2027, 1, 28)],
  ['0 9 * * 1-5', '2027-01-01T10:00:00Z', Date.UTC(2027, 0, 4, 9)],
  ['@daily', '2027-01-01T10:00:00Z', Date.UTC(2027, 0, 2)],
  ['  0  12 * * * ', '2027-01-01T10:00:00Z', Date.UTC(2027, 0, 1, 12)],
])('%s from %s', (cron, from, next) => {
  expect(cronOf(cron).next(Date.parse(from))).toBe(next);
});

test('every is counted from 1970, so that a schedule made again has the same times', () => {
  const every = (everyMs: number) =>
    toTimetable({ id: 'a', cron: undefined, timeZone: undefined, everyMs });
  expect(every(300).next(1_000)).toBe(1_200);
  expect(every(300).next(1_200)).toBe(1_500);
  expect(every(86_400_000).next(Date.UTC(2027, 0, 1, 5))).toBe(Date.UTC(2027, 0, 2));
  expect(every(8e15).next(1)).toBe(8e15);
  expect(every(8e15).next(8e15)).toBe(undefined);
});

test('chance in a pattern is made of the id', () => {
  const of = (id: string): number | undefined =>
    toTimetable({ id, cron: 'H H * * *', timeZone: 'UTC', everyMs: undefined }).next(0);
  expect(of('a')).toBe(of('a'));
  expect(new Set(['a', 'b', 'c', 'd'].map(of)).size).toBeGreaterThan(1);
});

test('a pattern that never comes has no next time', () => {
  expect(cronOf('0 0 31 4,6 *').next(Date.UTC(2027, 0, 1))).toBe(undefined);
});

/** Changes of the clocks, as moments of UTC. */
const changes: readonly (readonly [string, string])[] = [
  ['Europe/Berlin', '2027-03-28T01:00Z'],
  ['Europe/Berlin', '2027-10-31T01:00Z'],
  ['America/New_York', '2027-03-14T07:00Z'],
  ['America/New_York', '2027-11-07T06:00Z'],
  ['Australia/Lord_Howe', '2027-10-02T15:30Z'],
  ['Australia/Lord_Howe', '2027-04-03T15:00Z'],
  ['America/Santiago', '2027-09-05T04:00Z'],
  ['America/Santiago', '2027-04-04T03:00Z'],
  ['Asia/Kolkata', '2027-03-28T01:00Z'],
];

const minuteMs = 60_000;

/** What a clock shows, in minutes as if it were UTC. */
function shownAt(format: Intl.DateTimeFormat, at: number): number {
  const text = format.format(at).replace(', ', 'T');
  return Date.parse(`${text}Z`) / minuteMs;
}

interface Pattern {
  readonly minutes: readonly number[];
  /** Undefined for every hour. */
  readonly hours: readonly number[] | undefined;
}

/** All times of a pattern in a stretch, by looking at every minute of it. */
function searched({ minutes, hours }: Pattern, zone: string, from: number, to: number): number[] {
  const parts = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const date = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, ...date, ...parts });
  const fits = (shown: number): boolean =>
    minutes.includes(shown % 60) && (hours?.includes(Math.floor(shown / 60) % 24) ?? true);
  const found = new Set<number>();
  const seen = new Set<number>();
  let before = shownAt(format, from - 3 * 3_600_000 - minuteMs);
  for (let at = from - 3 * 3_600_000; at <= to; at += minuteMs) {
    const shown = shownAt(format, at);
    if (fits(shown) && (hours === undefined || !seen.has(shown))) found.add(at);
    // What was jumped over comes as much later.
    for (let left = before + 1; left < shown; left++) {
      const isMadeUp = hours !== undefined && fits(left) && !seen.has(left);
      if (isMadeUp) found.add(at + (left - before - 1) * minuteMs);
    }
    seen.add(shown);
    before = shown;
  }
  return [...found].filter((at) => at > from && at <= to).sort((a, b) => a - b);
}

test('random patterns around changes come as a search through every minute finds them', () => {
  const pattern: fc.Arbitrary<Pattern> = fc.record({
    minutes: fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 5 }),
    hours: fc.option(
      fc.uniqueArray(fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 23 })), {
        minLength: 1,
        maxLength: 6,
      }),
      { nil: undefined },
    ),
  });
  const around = fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -300, max: 200 }));
  fc.assert(
    fc.property(pattern, around, (one, [[zone, change], offset]) => {
      const from = Date.parse(change) + offset * minuteMs;
      const to = from + 9 * 3_600_000;
      const cron = `${one.minutes.join(',')} ${one.hours?.join(',') ?? '*'} * * *`;
      const timetable = cronOf(cron, zone);
      const times: number[] = [];
      for (let at = timetable.next(from); at !== undefined && at <= to; at = timetable.next(at)) {
        times.push(at);
      }
      const iso = (all: readonly number[]): string[] => all.map((at) => new Date(at).toISOString());
      expect(iso(times), `${cron} in ${zone}`).toEqual(iso(searched(one, zone, from, to)));
    }),
    { numRuns: 400, seed: 7 },
  );
});
