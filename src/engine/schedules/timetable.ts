/**
 * The times of a schedule.
 *
 * Cron patterns are read by cron-parser, and asked only about UTC: what it answers is taken for what the clocks of the
 * time zone show, and turned into moments here. So a change of the clocks has one meaning, in every zone:
 *
 * - A pattern for certain hours (`30 2 * * *`) means what the clocks show. What they show twice happens at the first of
 *   both; what they leave out happens as much later as they are put forward.
 * - A pattern for every hour (`30 * * * *`) goes on as time does: in an hour that is repeated it happens again,
 *   and for an hour that is left out nothing is made up.
 */
import { CronExpressionParser } from 'cron-parser';
import { InvalidError } from '../../core/errors.ts';
import type { Timing } from '../../core/schedules.ts';
import { TimeZone } from './time-zone.ts';

export interface Timetable {
  /** The first time after `at`; undefined when there is none. */
  next(at: number): number | undefined;
}

/** The last moment that a Date can tell. */
const endOfTime = 8.64e15;
const hoursOfDay = 24;

/** @throws InvalidError for a pattern or a zone that cannot be read. */
export function toTimetable({ id, cron, timeZone, everyMs }: Timing & { id: string }): Timetable {
  if (cron !== undefined) return new CronTimetable(id, cron, toZone(timeZone ?? 'UTC'));
  const every = everyMs ?? 0;
  if (!(every > 0)) throw new InvalidError('every', 'must be longer than nothing.');
  return {
    // Counted from 1970, so that a schedule which is made again has the same times.
    next: (at) => within((Math.floor(at / every) + 1) * every),
  };
}

function within(at: number): number | undefined {
  return at <= endOfTime ? at : undefined;
}

function toZone(name: string): TimeZone {
  try {
    return TimeZone.named(name);
  } catch (error) {
    throw new InvalidError(
      'timeZone',
      `${JSON.stringify(name)} is no time zone of the IANA database, such as Europe/Berlin.`,
      error,
    );
  }
}

class CronTimetable implements Timetable {
  readonly #wall: WallClock;
  readonly #zone: TimeZone;

  constructor(id: string, cron: string, zone: TimeZone) {
    this.#wall = new WallClock(id, cron);
    this.#zone = zone;
  }

  next(at: number): number | undefined {
    const next = this.#wall.isForEveryHour ? this.#nextOfEveryHour(at) : this.#nextShown(at);
    return next === undefined ? undefined : within(next);
  }

  #nextOfEveryHour(at: number): number | undefined {
    const zone = this.#zone;
    let start = at + 1;
    for (;;) {
      const offset = zone.offsetAt(start);
      const wall = this.#wall.next(start - 1 + offset);
      if (wall === undefined) return undefined;
      const change = zone.changeBetween(start, wall - offset);
      if (change === undefined) return wall - offset;
      // The clocks are changed on the way: from there on they show something else.
      start = change;
    }
  }

  #nextShown(at: number): number | undefined {
    const { before, behind, change } = this.#zone.around(at);
    if (change === undefined || at < change) return this.#firstBehind(at + before);
    // Put back: what the clocks show a second time has had its time.
    if (behind < before) return this.#firstBehind(Math.max(at + behind, change + before - 1));
    const next = this.#firstBehind(at + behind);
    const leftOut = this.#wall.next(at + before);
    const isLeftOut = leftOut !== undefined && leftOut < change + behind;
    return isLeftOut ? Math.min(leftOut - before, next ?? Infinity) : next;
  }

  /** The first moment of what the clocks show later than `wall`. */
  #firstBehind(wall: number): number | undefined {
    const next = this.#wall.next(wall);
    if (next === undefined) return undefined;
    const moment = this.#zone.toInstant(next);
    const { behind, change } = this.#zone.around(moment);
    const isShown = change === undefined || moment + this.#zone.offsetAt(moment) === next;
    if (isShown) return moment;
    // It is left out, and so it comes later: perhaps after something that is shown.
    const shown = this.#wall.next(change + behind - 1);
    return Math.min(moment, shown === undefined ? Infinity : this.#zone.toInstant(shown));
  }
}

/** What the clocks show at the times of a pattern, written as if it were UTC. */
class WallClock {
  /** The hours are left open, so that the pattern goes on through every change of the clocks. */
  readonly isForEveryHour: boolean;
  readonly #expression: ReturnType<typeof CronExpressionParser.parse>;

  /** `id` stands for the chance in a pattern with an H. */
  constructor(id: string, cron: string) {
    const fields = cron.trim().split(/\s+/).length;
    // The parser would read any text of less fields, and none at all, as every minute.
    if (!cron.trim().startsWith('@') && fields !== 5 && fields !== 6) {
      throw new InvalidError(
        'cron',
        `${JSON.stringify(cron)} has not five fields (minute hour day month weekday), or six with seconds in front.`,
      );
    }
    try {
      this.#expression = CronExpressionParser.parse(cron.trim(), { tz: 'UTC', hashSeed: id });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new InvalidError('cron', `${JSON.stringify(cron)} cannot be read: ${reason}.`, error);
    }
    this.isForEveryHour = this.#expression.fields.hour.values.length === hoursOfDay;
  }

  /** The first after `wall`; undefined when the parser finds none. */
  next(wall: number): number | undefined {
    try {
      this.#expression.reset(new Date(wall));
      return this.#expression.next().getTime();
    } catch {
      return undefined;
    }
  }
}
