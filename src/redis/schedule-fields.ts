/** The hash of a schedule, as what the contract calls it. */
import { CorruptionError } from '../core/errors.ts';
import {
  missedPolicies,
  overlapPolicies,
  type ScheduleInfo,
  type StoredSchedule,
} from '../core/schedules.ts';
import { Fields, type Flat } from './fields.ts';

export function toSchedule(key: string, id: string, flat: Flat): StoredSchedule {
  const fields = new Fields(key, flat);
  const input = fields.bytes('input');
  if (input === undefined) throw new CorruptionError({ key }, 'has no input');
  return { ...toInfo(key, id, fields), input, version: fields.number('version') };
}

export function toInfo(key: string, id: string, fields: Fields): ScheduleInfo {
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
    key: textOf('key'),
    // Absent in one that an older pawl has made.
    paused: textOf('paused') !== undefined,
    nextAt: fields.number('nextAt'),
    waiting: (textOf('waiting')?.split(' ') ?? []).map(Number),
    lastRun: textOf('lastRun'),
    timesMissed: fields.number('timesMissed'),
    timesSkipped: fields.number('timesSkipped'),
  };
}
