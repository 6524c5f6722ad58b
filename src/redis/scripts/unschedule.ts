/** Removes a schedule; false when the workflow has none with this id. */
import type { Keys } from '../keys.ts';
import { scheduleKeys } from '../schedule-keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Removed {
  readonly workflow: string;
  readonly id: string;
}

export const removeSchedule: StoreScript<Keys, Removed, boolean> = {
  script: toScript('unschedule', lua.unschedule),
  acknowledged: 'once',
  keys: (keys, { workflow, id }) => scheduleKeys(keys, workflow, id),
  args: (_, { workflow, id }) => [id, workflow],
  decode: (_, [outcome]) => String(outcome) === 'removed',
};
