/**
 * Schedules: what starts runs at certain times.
 *
 *   due ──▶ start the run of a time ──▶ advance to the next time, if the schedule is still what was read
 *
 * One that a person has paused is never due.
 *
 * Nothing is held in between. Who dies there leaves the schedule due, and the next one starts the same run again: that
 * changes nothing, because its id and its token are made of the schedule and the time. Two who look at once do no harm
 * either: one of them advances.
 */

/** What is done with times at which no worker was there. */
export const missedPolicies = ['skip', 'latest', 'all'] as const;
export type MissedPolicy = (typeof missedPolicies)[number];

/** What is done when a time comes and the run before it has not ended. */
export const overlapPolicies = ['allow', 'skip', 'queue', 'cancel-previous'] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** When: by a cron pattern, or every so many milliseconds. */
export interface Timing {
  /** The pattern of its times; undefined when it is repeated by `every`. */
  readonly cron: string | undefined;
  /** Time zone of the pattern, as in the IANA database; absent without a pattern. */
  readonly timeZone: string | undefined;
  /** Milliseconds from one time to the next; undefined when it has a pattern. */
  readonly everyMs: number | undefined;
}

/** What somebody wants to be started, and when. */
export interface Schedule extends Timing {
  /** Names the schedule, and begins the id of each of its runs. */
  readonly id: string;
  /** The name of the workflow that it starts. */
  readonly workflow: string;
  /** Of the code that saved it. */
  readonly codeVersion: number;
  /** Encoded input of every run, as the workflow's schema made it. */
  readonly input: Uint8Array;
  /** What happens with times at which no worker was there. */
  readonly missed: MissedPolicy;
  /** What happens when a time comes before the last run has ended. */
  readonly overlap: OverlapPolicy;
  /** Key of each of its runs: see `core/turns.ts`. */
  readonly key?: string | undefined;
}

/** How far a schedule is. Times are milliseconds since 1970 on the store's clock. */
export interface Standing {
  /** The first time that nothing has been decided about. */
  readonly nextAt: number;
  /** Times whose runs are to start when the run before has ended; the oldest comes first. */
  readonly waiting: readonly number[];
  /** The run that was started last. */
  readonly lastRun: string | undefined;
  /** Times left out because no worker was there, ever since the schedule was made. */
  readonly timesMissed: number;
  /** Times left out because the run before had not ended. */
  readonly timesSkipped: number;
}

export interface StoredSchedule extends Schedule, Standing {
  /** It is held back: it is not due, whatever its times are. */
  readonly paused: boolean;
  /** Grows with every change. */
  readonly version: number;
}

/** A schedule as lists show it: without the input, which may be large. */
export type ScheduleInfo = Omit<StoredSchedule, 'input' | 'version'>;

export interface DueSchedules {
  /** The time on the store's clock. */
  readonly now: number;
  readonly schedules: readonly StoredSchedule[];
  /** Schedules that are due and cannot be read. */
  readonly damaged: readonly { readonly id: string; readonly error: Error }[];
}

export type SaveOutcome =
  | { readonly outcome: 'saved' }
  /** The id is that of a schedule of another workflow. Nothing was written. */
  | { readonly outcome: 'taken'; readonly workflow: string };

export type AdvanceOutcome =
  | { readonly outcome: 'advanced'; readonly version: number }
  /** Somebody has saved, advanced or removed it since it was read. Nothing was written. */
  | { readonly outcome: 'changed' };

/** The part of a store that keeps schedules. */
export interface Schedules {
  /**
   * Makes a schedule, or changes the one with this id. One whose timing stays as it was keeps its standing; otherwise it
   * goes on at `nextAt`.
   */
  save(schedule: Schedule, nextAt: number): Promise<SaveOutcome>;
  /** False when the workflow has no such schedule. */
  remove(workflow: string, id: string): Promise<boolean>;
  /** Undefined when the workflow has no such schedule. */
  read(workflow: string, id: string): Promise<StoredSchedule | undefined>;
  /**
   * Holds a schedule back, or lets it go on with its first time at `nextAt`; times that wait for a run are looked at then.
   * One that is held back already, or goes on, stays as it is. False when the workflow has no such schedule.
   */
  hold(workflow: string, id: string, nextAt: number | undefined): Promise<boolean>;
  /** Those of one workflow, or all, in the order of their ids. */
  list(workflow?: string): Promise<readonly ScheduleInfo[]>;
  /** Schedules that are to be looked at now, at most `limit`. */
  due(limit: number): Promise<DueSchedules>;
  /** Changes the standing of the `version` that was read. It is due again at `nextAt`, or after `pollMs`. */
  advance(
    schedule: { readonly id: string; readonly version: number },
    standing: Standing,
    pollMs?: number,
  ): Promise<AdvanceOutcome>;
  /** A schedule that is due is due again after `ms`; any other is left alone. */
  postpone(id: string, ms: number): Promise<void>;
}
