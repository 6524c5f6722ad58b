/**
 * Keeps the schedules: starts the runs whose time has come. Called by the elected sweeper at each of its looks.
 *
 *   due ──▶ decide which times ──▶ start the run of a time, or wait for the one before ──▶ advance
 *
 * It may die between any two of these. What was left out is stored before anything is started, so that the next keeper
 * decides about no time anew; what was started and not stored is started again, under the same id and token, and so is the
 * same run. Two keepers at once do the same, and one of them advances.
 *
 * A Redis that has lost its last writes may forget a run and then take the advance past its time. So what was started is
 * noted first, then seen to be there, and its time dropped last: who forgets the run after that forgets the note as well,
 * and refuses the last. A note may be sent once more by a client that has found no answer, to a Redis without the run: so
 * the next keeper believes a note only when it sees the run.
 */
import type { Clock } from '../../core/clock.ts';
import { decode } from '../../core/codec.ts';
import { PawlError, RunError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { isOver, type RunRecord } from '../../core/run.ts';
import type { StoredSchedule } from '../../core/schedules.ts';
import { encodeError, encodeRecord } from '../payloads.ts';
import { createRun, type StartParts, wakeOrQueue } from '../runs/start.ts';
import { Attendance } from './attendance.ts';
import { decide, type Decided, timesAtOnce } from './decision.ts';
import { toTimetable } from './timetable.ts';

export interface KeeperServices extends Pick<StartParts, 'store' | 'wake'> {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Schedules looked after in one turn. */
const schedulesAtOnce = 100;
/** What went wrong may be right again after this time; what will not be by itself, after the other. */
const againMs = 1_000;
const brokenMs = 10_000;
/** The longer a schedule waits for a run or a worker, the rarer it is looked at: a twentieth of the time it has waited. */
const pollShare = 20;
const pollMsMin = 50;
const pollMsMax = 30_000;
/** A worker may come at any time. */
const absentMsMax = 5_000;

export class ScheduleKeeper {
  readonly #services: KeeperServices;
  readonly #keepMs: (workflow: string) => number;
  readonly #attendance: Attendance;
  #turn: Promise<void> | undefined;

  /** `keepMs`: how long a run of the workflow is kept that is cancelled before it has begun. */
  constructor(services: KeeperServices, keepMs: (workflow: string) => number) {
    this.#services = services;
    this.#keepMs = keepMs;
    this.#attendance = new Attendance(services.store, services.clock);
  }

  /** Begins a turn, unless one is at work. `lost`: workers that are taken for dead. */
  attend(lost: readonly string[]): void {
    this.#turn ??= this.#attend(new Set(lost))
      .catch((error: unknown) => {
        this.#services.logger.warn({ error: String(error) }, 'schedules not looked at');
      })
      .finally(() => {
        this.#turn = undefined;
      });
  }

  /** Resolves when no turn is at work. */
  async end(): Promise<void> {
    await this.#turn;
  }

  async #attend(lost: ReadonlySet<string>): Promise<void> {
    const { store, logger } = this.#services;
    const { now, schedules, damaged } = await store.schedules.due(schedulesAtOnce);
    for (const { id, error } of damaged) {
      logger.error({ schedule: id, error: String(error) }, 'schedule cannot be read');
      await store.schedules.postpone(id, brokenMs);
    }
    if (schedules.length === 0) return;
    await this.#attendance.check(now);
    await Promise.all(
      schedules.map(async (schedule) => {
        try {
          await this.#serve(schedule, now, lost);
        } catch (error) {
          await this.#putOff(schedule, error);
        }
      }),
    );
  }

  async #putOff({ id, workflow }: StoredSchedule, error: unknown): Promise<void> {
    const { store, logger } = this.#services;
    logger.error({ schedule: id, workflow, error: String(error) }, 'scheduled run not started');
    const mayHeal = !PawlError.is(error) || error.retryable;
    await store.schedules.postpone(id, mayHeal ? againMs : brokenMs);
  }

  async #serve(due: StoredSchedule, now: number, lost: ReadonlySet<string>): Promise<void> {
    const { store, logger } = this.#services;
    const { id, workflow, missed } = due;
    const since = this.#attendance.since(workflow, lost);
    if (since === undefined) {
      await store.schedules.postpone(id, pollMs(now - due.nextAt, absentMsMax));
      return;
    }
    // What cannot be read must cost no time of the schedule.
    const timetable = toTimetable(due);
    decode(due.input, { key: `schedule ${id}, input` });

    const decided = decide({ ...due, now, since, most: roomOf(due) }, timetable);
    let schedule = withDecided(due, decided);
    if (decided.leftOut > 0) {
      const { leftOut } = decided;
      logger.warn({ schedule: id, workflow, missed, leftOut }, 'times of a schedule were missed');
      const stored = await store.schedules.advance(due, schedule, 0);
      if (stored.outcome === 'changed') return;
      schedule = { ...schedule, version: stored.version };
    }
    await this.#start(schedule, now);
  }

  /** Starts what waits, as far as the run before lets it, and advances. */
  async #start(due: StoredSchedule, now: number): Promise<void> {
    const { store } = this.#services;
    const started: RunRecord[] = [];
    let schedule = await this.#withoutStarted(due);
    for (;;) {
      const [at, ...waiting] = schedule.waiting;
      if (at === undefined) break;
      if (due.overlap === 'allow' || (await this.#isOver(schedule.lastRun))) {
        const record = await this.#startAt(schedule, at);
        started.push(record);
        schedule = { ...schedule, waiting, lastRun: record.id };
        continue;
      }
      if (due.overlap === 'skip') schedule = onlyNewest(schedule, 0);
      if (due.overlap === 'cancel-previous') {
        schedule = onlyNewest(schedule, 1);
        await this.#cancel(schedule);
      }
      break;
    }
    const [first] = schedule.waiting;
    const look = first === undefined ? undefined : pollMs(now - first, pollMsMax);
    const noted = started.length === 0 ? due : await this.#note(due, schedule, started);
    if (noted !== undefined) await store.schedules.advance(noted, schedule, look);
    await Promise.all(started.map((record) => wakeOrQueue(this.#services, record)));
  }

  /** Without the times up to that of the last run: a keeper before had started them, and died before it dropped them. */
  async #withoutStarted(schedule: StoredSchedule): Promise<StoredSchedule> {
    const { id, lastRun, waiting } = schedule;
    if (lastRun === undefined) return schedule;
    const last = Number(lastRun.slice(id.length + 1));
    const left = waiting.filter((at) => at > last);
    if (left.length === waiting.length) return schedule;
    const isThere = (await this.#services.store.record(lastRun)) !== undefined;
    return isThere ? { ...schedule, waiting: left } : schedule;
  }

  /** Notes what was started, and sees that it is there. Undefined when somebody else has changed the schedule meanwhile. */
  async #note(
    due: StoredSchedule,
    { lastRun }: StoredSchedule,
    started: readonly RunRecord[],
  ): Promise<StoredSchedule | undefined> {
    const { store, logger } = this.#services;
    let schedule = due;
    for (;;) {
      const noted = await store.schedules.advance(schedule, { ...due, lastRun }, 0);
      if (noted.outcome === 'changed') return undefined;
      schedule = { ...schedule, version: noted.version };
      const seen = await Promise.all(started.map(({ id }) => store.record(id)));
      const gone = started.filter((_, i) => seen[i] === undefined);
      if (gone.length === 0) return schedule;
      for (const { id } of gone) {
        logger.error({ schedule: due.id, run: id }, 'redis has forgotten a scheduled run');
        await this.#startAt(due, Number(id.slice(due.id.length + 1)));
      }
    }
  }

  async #startAt(schedule: StoredSchedule, at: number): Promise<RunRecord> {
    const { store, logger } = this.#services;
    const { id, workflow, codeVersion, input, key } = schedule;
    const run = `${id}.${at}`;
    const keyed = key === undefined ? {} : { key };
    const start = { run, workflow, codeVersion, input, tags: { schedule: id }, ...keyed };
    const { outcome, record } = await createRun({ store }, { ...start, token: `schedule ${run}` });
    // Not started by this schedule, at whatever time: there cannot be a second run of this name.
    if (outcome === 'exists') logger.warn({ schedule: id, run }, 'id of a scheduled run is taken');
    return record;
  }

  /** Whether a run is not at work any more, and none that will go on by itself. */
  async #isOver(run: string | undefined): Promise<boolean> {
    const record = run === undefined ? undefined : await this.#services.store.record(run);
    return record === undefined || isOver(record.status);
  }

  /** Cancels the run before. The id of the request makes it one, however often it is asked. */
  async #cancel({ id, workflow, lastRun: run }: StoredSchedule): Promise<void> {
    if (run === undefined) return;
    const { store, wake } = this.#services;
    const reason = 'the next time of its schedule has come';
    const outcome = await store.cancel({
      run,
      id: `schedule ${id}`,
      keepMs: this.#keepMs(workflow),
      data: encodeRecord({ actor: `schedule ${id}`, reason }),
      error: encodeError(new RunError('PAWL_RUN_CANCELLED', run, reason)),
    });
    if (outcome.outcome === 'asked') await wake(outcome.wakeUp);
  }
}

/** How many times more may wait; those of a schedule that misses none stay undecided until there is room. */
function roomOf({ missed, overlap, waiting }: StoredSchedule): number {
  const isBounded = missed === 'all' && overlap === 'queue';
  return isBounded ? Math.max(0, timesAtOnce - waiting.length) : timesAtOnce;
}

function withDecided(schedule: StoredSchedule, decided: Decided): StoredSchedule {
  const all = [...schedule.waiting, ...decided.times];
  const waiting = schedule.overlap === 'queue' ? all.slice(0, timesAtOnce) : all;
  return {
    ...schedule,
    waiting,
    nextAt: decided.nextAt,
    timesMissed: schedule.timesMissed + decided.leftOut,
    timesSkipped: schedule.timesSkipped + all.length - waiting.length,
  };
}

/** Without the times that wait, but for the newest ones. */
function onlyNewest(schedule: StoredSchedule, count: number): StoredSchedule {
  const skipped = schedule.waiting.length - count;
  const timesSkipped = schedule.timesSkipped + skipped;
  return { ...schedule, waiting: schedule.waiting.slice(skipped), timesSkipped };
}

function pollMs(waitedMs: number, most: number): number {
  return Math.round(Math.min(Math.max(waitedMs / pollShare, pollMsMin), most));
}
