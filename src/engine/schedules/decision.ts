/**
 * Which times of a schedule are to be started.
 *
 *   ──────────── missed ────────────┃── late ──▶ now
 *                                   ┃
 *      no worker was there; or so long ago that it is no take-over any more
 *
 * A late time is started, whatever the policy: a take-over delays a time and never costs one. Of missed times the policy
 * decides.
 */
import type { MissedPolicy } from '../../core/schedules.ts';
import type { Timetable } from './timetable.ts';

/** The times that are over. */
export interface Over {
  /** The first that nothing has been decided about. */
  readonly nextAt: number;
  readonly now: number;
  /** Since when a worker that knows the workflow has been there. */
  readonly since: number;
  readonly missed: MissedPolicy;
  /** How many are to be decided about, at most. */
  readonly most: number;
}

export interface Decided {
  /** To be started, the oldest first. */
  readonly times: readonly number[];
  /** The first time that nothing is decided about: still over, when there are many. */
  readonly nextAt: number;
  /** How many were left out. */
  readonly leftOut: number;
}

/** A worker that takes the place of another one so soon was not missed. */
const replacementMs = 2_000;
/** Nothing that is later is only late. */
const lateMs = 60_000;
/** Times that are decided about, or wait for a run, at once. */
export const timesAtOnce = 100;
/** Missed times are counted one by one, up to so many at once. */
const countedAtOnce = 1_000;
/** How far back the last time before a moment is looked for, in steps. */
const stepsBack = [60_000, 3_600_000, 86_400_000, 31 * 86_400_000, 366 * 86_400_000];
/** Stands for a time that never comes. */
const never = 8.64e15;

export function decide(over: Over, timetable: Timetable): Decided {
  const { nextAt, now, since, missed, most } = over;
  const onTime = Math.max(since - replacementMs, now - lateMs);
  const times: number[] = [];
  let at = nextAt;
  let leftOut = 0;
  if (missed !== 'all' && at < onTime) {
    const last = lastBefore(onTime, at, timetable);
    leftOut = countUpTo(last, at, timetable);
    if (missed === 'latest') {
      times.push(last);
      leftOut -= 1;
    }
    at = timetable.next(last) ?? never;
  }
  while (at <= now && times.length < most) {
    times.push(at);
    at = timetable.next(at) ?? never;
  }
  return { times, nextAt: at, leftOut };
}

/** The last time before `end`; `first` is one of them. */
function lastBefore(end: number, first: number, timetable: Timetable): number {
  let last = first;
  for (const step of stepsBack) {
    if (end - step <= first) break;
    const found = timetable.next(end - step);
    if (found === undefined || found >= end) continue;
    last = found;
    break;
  }
  for (;;) {
    const next = timetable.next(last);
    if (next === undefined || next >= end) return last;
    last = next;
  }
}

/** How many times there are from `first` to `last`, both counted. */
function countUpTo(last: number, first: number, timetable: Timetable): number {
  let count = 1;
  for (let at = first; at < last && count < countedAtOnce; count++) {
    at = timetable.next(at) ?? last;
  }
  return count;
}
