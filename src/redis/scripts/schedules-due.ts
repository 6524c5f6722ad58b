/** The schedules that are due, at most so many. */
import type { DueSchedules, StoredSchedule } from '../../core/schedules.ts';
import type { Flat } from '../fields.ts';
import type { Keys } from '../keys.ts';
import { toSchedule } from '../schedule-fields.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

/** About as much of inputs comes with one answer, at most. */
const dueBytes = 1024 * 1024;

export const schedulesDue: StoreScript<Keys, number, DueSchedules> = {
  script: toScript('schedulesDue', lua.schedulesDue),
  keys: (keys) => [keys.schedules],
  args: (keys, limit) => [limit, keys.schedule(''), dueBytes],
  decode: (keys, [now, ...rest]) => {
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
  },
};
