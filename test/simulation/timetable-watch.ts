/** Schedules whose every time counts: each has one run, none of them before its time, and none is left out. */
import { base } from './oracle.ts';
import type { Keyspace } from './redis/values.ts';

/** Ids of the schedules, and how often they have a time. */
export const timetables: Readonly<Record<string, number>> = { often: 2_500, seldom: 7_000 };

/** Their runs are kept for ten minutes after their end, and are looked for while they must be there. */
const keptMs = 500_000;
/** After so long a time must have its run, whatever went wrong. */
const lateMs = 60_000;

export class TimetableWatch {
  readonly #violate: (what: string) => void;
  #from: number | undefined;
  #until = Infinity;
  readonly #deleted = new Set<string>();

  constructor(violate: (what: string) => void) {
    this.#violate = violate;
  }

  /** The schedules are stored. `now`: on the store's clock. */
  begin(now: number): void {
    this.#from = now;
  }

  /** The schedules are removed: what they had no time to start any more is not missed. */
  end(now: number): void {
    this.#until = now;
  }

  /** Somebody deletes a run before its time. */
  deleted(run: string): void {
    this.#deleted.add(run);
  }

  /** A run is created. */
  created(run: string, now: number): void {
    const [schedule = '', at = ''] = run.split('.');
    if (timetables[schedule] === undefined) return;
    if (Number(at) > now) this.#violate(`run ${run} was started ${Number(at) - now} ms too early`);
    if (Number(at) % timetables[schedule] !== 0) this.#violate(`run ${run} has no such time`);
  }

  /** Looks whether every time had its run. */
  check(keys: Keyspace, now: number): void {
    if (this.#from === undefined) return;
    for (const [schedule, everyMs] of Object.entries(timetables)) {
      const first = Math.max(this.#from, now - keptMs);
      for (
        let at = Math.ceil(first / everyMs) * everyMs + everyMs;
        at < Math.min(now, this.#until) - lateMs;
        at += everyMs
      ) {
        const run = `${schedule}.${at}`;
        if (keys.hash(`${base}run:${run}`) === undefined && !this.#deleted.has(run)) {
          this.#violate(`run ${run} of a schedule was never started`);
        }
      }
    }
  }
}
