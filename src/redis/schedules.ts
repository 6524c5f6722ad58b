/**
 * Schedules on Redis.
 *
 * All of them lie in one slot, that of the workers: the sweeper finds what is due by one call, however many shards there
 * are. The order of KEYS and ARGV of their scripts is spelled here.
 */
import {
  type AdvanceOutcome,
  type DueSchedules,
  missedPolicies,
  overlapPolicies,
  type SaveOutcome,
  type Schedule,
  type ScheduleInfo,
  type Schedules,
  type Standing,
  type StoredSchedule,
} from '../core/schedules.ts';
import { CorruptionError } from '../core/errors.ts';
import { type Argument, type Reply, toBuffer } from './arguments.ts';
import type { Connection } from './connection.ts';
import { Fields, type Flat } from './fields.ts';
import type { Keys } from './keys.ts';
import type { Scripts } from './scripts.ts';

export interface RedisSchedulesParts {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly scripts: Scripts;
  /** Turns what goes wrong into faults. */
  readonly guard: <T>(call: () => Promise<T>) => Promise<T>;
}

/** About as much of inputs comes with one answer, at most. */
const dueBytes = 1024 * 1024;
const listedAtOnce = 500;

/** What lists show: all but the input. */
const listedFields = [
  ...['workflow', 'cron', 'timeZone', 'everyMs', 'codeVersion', 'missed', 'overlap'],
  ...['nextAt', 'waiting', 'lastRun', 'timesMissed', 'timesSkipped'],
] as const;

export class RedisSchedules implements Schedules {
  readonly #parts: RedisSchedulesParts;

  constructor(parts: RedisSchedulesParts) {
    this.#parts = parts;
  }

  async save(schedule: Schedule, nextAt: number): Promise<SaveOutcome> {
    const { id, workflow, cron = '', timeZone = '', everyMs = '' } = schedule;
    const { codeVersion, input, missed, overlap } = schedule;
    const [outcome, other] = await this.#call('schedule', [
      ...[...this.#keysOf(workflow, id), id, workflow, nextAt, cron, timeZone, everyMs],
      ...['codeVersion', codeVersion, 'missed', missed, 'overlap', overlap],
      ...['input', toBuffer(input)],
    ]);
    if (String(outcome) === 'saved') return { outcome: 'saved' };
    return { outcome: 'taken', workflow: String(other) };
  }

  async remove(workflow: string, id: string): Promise<boolean> {
    const args = [...this.#keysOf(workflow, id), id, workflow];
    const [outcome] = await this.#call('unschedule', args);
    return String(outcome) === 'removed';
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
    const { keys } = this.#parts;
    const args = [keys.schedules, limit, keys.schedule(''), dueBytes];
    const [now, ...rest] = await this.#call('schedulesDue', args);
    const schedules: StoredSchedule[] = [];
    const damaged: { readonly id: string; readonly error: Error }[] = [];
    for (let i = 0; i + 1 < rest.length; i += 2) {
      const id = String(rest[i]);
      try {
        schedules.push(toSchedule(keys.schedule(id), id, rest[i + 1] as Flat));
      } catch (error) {
        damaged.push({ id, error: error as Error });
      }
    }
    return { now: Number(now), schedules, damaged };
  }

  async advance(
    { id, version }: { readonly id: string; readonly version: number },
    { nextAt, waiting, lastRun = '', timesMissed, timesSkipped }: Standing,
    lookMs?: number,
  ): Promise<AdvanceOutcome> {
    const { keys } = this.#parts;
    const [outcome, raised] = await this.#call('schedulesAdvance', [
      ...[keys.schedule(id), keys.schedules, id, version, nextAt, lookMs ?? ''],
      ...['waiting', waiting.join(' '), 'lastRun', lastRun],
      ...['timesMissed', timesMissed, 'timesSkipped', timesSkipped],
    ]);
    if (String(outcome) === 'changed') return { outcome: 'changed' };
    return { outcome: 'advanced', version: Number(raised) };
  }

  async postpone(id: string, ms: number): Promise<void> {
    await this.#call('schedulesPostpone', [this.#parts.keys.schedules, id, Math.round(ms)]);
  }

  #keysOf(workflow: string, id: string): string[] {
    const { keys } = this.#parts;
    return [keys.schedule(id), keys.schedules, keys.schedulesOf(workflow)];
  }

  #call(script: Parameters<Scripts['ofSchedules']>[0], args: Argument[]): Promise<Reply> {
    const { scripts, guard } = this.#parts;
    return guard(() => scripts.ofSchedules(script, args));
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

function toSchedule(key: string, id: string, flat: Flat): StoredSchedule {
  const fields = new Fields(key, flat);
  const input = fields.bytes('input');
  if (input === undefined) throw new CorruptionError({ key }, 'has no input');
  return { ...toInfo(key, id, fields), input, version: fields.number('version') };
}

function toInfo(key: string, id: string, fields: Fields): ScheduleInfo {
  const word = <T extends string>(name: string, known: readonly T[]): T => {
    const found = known.find((one) => one === fields.text(name));
    if (found !== undefined) return found;
    throw new CorruptionError({ key }, `has no usable field ${name} (${fields.text(name)})`);
  };
  const textOf = (name: string): string | undefined => fields.text(name) || undefined;
  return {
    id,
    workflow: fields.text('workflow') ?? '',
    cron: textOf('cron'),
    timeZone: textOf('timeZone'),
    everyMs: textOf('everyMs') === undefined ? undefined : fields.number('everyMs'),
    codeVersion: fields.number('codeVersion'),
    missed: word('missed', missedPolicies),
    overlap: word('overlap', overlapPolicies),
    nextAt: fields.number('nextAt'),
    waiting: (textOf('waiting')?.split(' ') ?? []).map(Number),
    lastRun: textOf('lastRun'),
    timesMissed: fields.number('timesMissed'),
    timesSkipped: fields.number('timesSkipped'),
  };
}
