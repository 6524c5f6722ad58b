/**
 * Schedules on Redis.
 *
 * All of them lie in one slot, that of the workers: the sweeper finds what is due by one call, however many shards there
 * are.
 */
import type {
  AdvanceOutcome,
  DueSchedules,
  SaveOutcome,
  Schedule,
  ScheduleInfo,
  Schedules,
  Standing,
  StoredSchedule,
} from '../core/schedules.ts';
import { Fields } from './fields.ts';
import type { Keys } from './keys.ts';
import type { RedisParts } from './parts.ts';
import { toInfo, toSchedule } from './schedule-fields.ts';
import { saveSchedule } from './scripts/schedule.ts';
import { schedulesAdvance } from './scripts/schedules-advance.ts';
import { schedulesDue } from './scripts/schedules-due.ts';
import { schedulesHold } from './scripts/schedules-hold.ts';
import { schedulesPostpone } from './scripts/schedules-postpone.ts';
import { removeSchedule } from './scripts/unschedule.ts';
import type { StoreScript } from './store-script.ts';

const listedAtOnce = 500;

/** What lists show: all but the input. */
const listedFields = [
  'workflow',
  'cron',
  'timeZone',
  'everyMs',
  'codeVersion',
  'missed',
  'overlap',
  'key',
  'paused',
  'nextAt',
  'waiting',
  'lastRun',
  'timesMissed',
  'timesSkipped',
] as const;

export class RedisSchedules implements Schedules {
  readonly #parts: RedisParts;

  constructor(parts: RedisParts) {
    this.#parts = parts;
  }

  async save(schedule: Schedule, nextAt: number): Promise<SaveOutcome> {
    return this.#call(saveSchedule, { schedule, nextAt });
  }

  async remove(workflow: string, id: string): Promise<boolean> {
    return this.#call(removeSchedule, { workflow, id });
  }

  async read(workflow: string, id: string): Promise<StoredSchedule | undefined> {
    const { connection, keys, guard } = this.#parts;
    const key = keys.schedule(id);
    const found = await guard(() => connection.hgetallBuffer(key));
    const flat = Object.entries(found).flatMap(([name, value]) => [Buffer.from(name), value]);
    if (flat.length === 0) return undefined;
    const schedule = toSchedule(key, id, flat);
    return schedule.workflow === workflow ? schedule : undefined;
  }

  async hold(workflow: string, id: string, nextAt: number | undefined): Promise<boolean> {
    return this.#call(schedulesHold, { workflow, id, nextAt });
  }

  async list(workflow?: string): Promise<readonly ScheduleInfo[]> {
    const { connection, keys, guard } = this.#parts;
    const ids = await guard(() =>
      workflow === undefined
        ? connection.zrange(keys.schedules, '0', '-1')
        : connection.smembers(keys.schedulesOf(workflow)),
    );
    ids.sort((a, b) => (a < b ? -1 : 1));
    const found: ScheduleInfo[] = [];
    for (let from = 0; from < ids.length; from += listedAtOnce) {
      const some = ids.slice(from, from + listedAtOnce);
      const read = await guard(() => Promise.all(some.map((id) => this.#info(id))));
      found.push(...read.filter((info) => info !== undefined));
    }
    return found;
  }

  async due(limit: number): Promise<DueSchedules> {
    return this.#call(schedulesDue, limit);
  }

  async advance(
    { id, version }: { readonly id: string; readonly version: number },
    standing: Standing,
    pollMs?: number,
  ): Promise<AdvanceOutcome> {
    return this.#call(schedulesAdvance, { id, version, standing, pollMs });
  }

  async postpone(id: string, ms: number): Promise<void> {
    await this.#call(schedulesPostpone, { id, ms });
  }

  #call<Params, Outcome>(
    script: StoreScript<Keys, Params, Outcome>,
    params: Params,
  ): Promise<Outcome> {
    const { scripts, guard, keys } = this.#parts;
    return guard(() => scripts.call(script, keys, params));
  }

  async #info(id: string): Promise<ScheduleInfo | undefined> {
    const { connection, keys } = this.#parts;
    const key = keys.schedule(id);
    const values = await connection.hmgetBuffer(key, ...listedFields);
    const flat = values.flatMap((value, i) =>
      value === null ? [] : [Buffer.from(listedFields[i] ?? ''), value],
    );
    return flat.length === 0 ? undefined : toInfo(key, id, new Fields(key, flat));
  }
}
