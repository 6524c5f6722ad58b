/** The keys of one schedule, in the order of the scripts that save and remove it. */
import type { Keys } from './keys.ts';

export function scheduleKeys(keys: Keys, workflow: string, id: string): string[] {
  return [keys.schedule(id), keys.schedules, keys.schedulesOf(workflow)];
}
