/** Saves a schedule. */
import type { SaveOutcome, Schedule } from '../../core/schedules.ts';
import { toBuffer } from '../arguments.ts';
import type { Keys } from '../keys.ts';
import { scheduleKeys } from '../schedule-keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Saved {
  readonly schedule: Schedule;
  readonly nextAt: number;
}

export const saveSchedule: StoreScript<Keys, Saved, SaveOutcome> = {
  script: toScript('schedule', lua.schedule),
  acknowledged: 'repeatable',
  keys: (keys, { schedule: { workflow, id } }) => scheduleKeys(keys, workflow, id),
  args: (_, { schedule, nextAt }) => {
    const { id, workflow, cron = '', timeZone = '', everyMs = '' } = schedule;
    const { codeVersion, input, missed, overlap, key = '' } = schedule;
    return [
      id,
      workflow,
      nextAt,
      cron,
      timeZone,
      everyMs,
      'codeVersion',
      codeVersion,
      'missed',
      missed,
      'overlap',
      overlap,
      'key',
      key,
      'input',
      toBuffer(input),
    ];
  },
  decode: (_, [outcome, other]) =>
    String(outcome) === 'saved'
      ? { outcome: 'saved' }
      : { outcome: 'taken', workflow: String(other) },
};
