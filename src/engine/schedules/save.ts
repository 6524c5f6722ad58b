/** Saving a schedule: everything is checked before anything is written. */
import { encode } from '../../core/codec.ts';
import { type Duration, toMilliseconds } from '../../core/duration.ts';
import { InvalidError } from '../../core/errors.ts';
import type { Limits } from '../../core/limits.ts';
import { checkKey, checkRunId } from '../../core/names.ts';
import { validate } from '../../core/schema.ts';
import type { MissedPolicy, OverlapPolicy, Timing } from '../../core/schedules.ts';
import type { RunStore } from '../../core/store.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { toTimetable } from './timetable.ts';

/** When runs are started, and what happens with times that could not be kept. docs/schedules.md has examples. */
export interface ScheduleOptions {
  /** One for all workflows: runs are named after it. At most 100 characters. */
  readonly id: string;
  /** A cron pattern, with seconds if it has six fields. */
  readonly cron?: string;
  /** Time zone of the pattern, as in the IANA database. Default UTC. */
  readonly timeZone?: string;
  /** In place of a pattern. Counted from 1970, so `1h` is every full hour of UTC. */
  readonly every?: Duration;
  /**
   * Times at which no worker with the workflow was there: `latest` (default) starts the last of them, `all` starts each,
   * `skip` none. Times that are late because of a take-over are not missed.
   */
  readonly missed?: MissedPolicy;
  /**
   * When the run before has not ended. `allow` (default) starts the next one beside it. `skip` leaves the time out.
   * `queue` starts it when that one has ended. `cancel-previous` cancels that one first.
   */
  readonly overlap?: OverlapPolicy;
  /**
   * Key of each of its runs, which take turns with all others of the key: see `key` of `pawl.start`. A run of a time is
   * always made: where its workflow drops starts of a busy key, this one waits for its turn. Default: none.
   */
  readonly key?: string;
}

export interface SaveParts {
  readonly store: RunStore;
  readonly limits: Limits;
}

/** The time is added to the id of a schedule, and the whole must be a run id. */
const idLength = 100;

/** @throws InvalidError, UnstorableError, LimitError: nothing was written. */
export async function saveSchedule(
  { store, limits }: SaveParts,
  workflow: AnyWorkflow,
  input: unknown,
  options: ScheduleOptions,
): Promise<void> {
  const { id, missed = 'latest', overlap = 'allow', key } = options;
  checkScheduleId(id);
  if (key !== undefined) checkKey(key);
  const timing = toTiming(options);
  const timetable = toTimetable({ id, ...timing });
  const schema = workflow.definition.input;
  const valid: unknown = schema === undefined ? input : validate(schema, input, 'input');
  const nextAt = timetable.next(await store.observation.now());
  if (nextAt === undefined) {
    throw new InvalidError(timing.cron === undefined ? 'every' : 'cron', 'has no next time.');
  }
  const saved = await store.schedules.save(
    {
      id,
      ...timing,
      missed,
      overlap,
      key,
      workflow: workflow.name,
      codeVersion: workflow.version,
      input: encode(valid, 'input', limits.inputBytes),
    },
    nextAt,
  );
  if (saved.outcome === 'taken') {
    throw new InvalidError(
      'schedule id',
      `${JSON.stringify(id)} is that of a schedule of workflow ${saved.workflow}. Choose another one, or unschedule that.`,
    );
  }
}

function checkScheduleId(id: unknown): asserts id is string {
  checkRunId(id, 'schedule id');
  if (id.length > idLength) {
    throw new InvalidError('schedule id', `has more than ${idLength} characters.`);
  }
}

function toTiming({ cron, every, timeZone }: ScheduleOptions): Timing {
  if ((cron === undefined) === (every === undefined)) {
    throw new InvalidError('schedule', 'needs either cron or every.');
  }
  if (cron !== undefined) return { cron, timeZone: timeZone ?? 'UTC', everyMs: undefined };
  if (timeZone !== undefined) {
    throw new InvalidError('timeZone', 'belongs to a cron pattern; every is counted in UTC.');
  }
  const everyMs = toMilliseconds(every ?? 0, 'every');
  return { cron: undefined, timeZone: undefined, everyMs };
}
