/** A schedule is looked at later. */
import type { Keys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Postponed {
  readonly id: string;
  readonly ms: number;
}

export const schedulesPostpone: StoreScript<Keys, Postponed, void> = {
  script: toScript('schedulesPostpone', lua.schedulesPostpone),
  keys: (keys) => [keys.schedules],
  args: (_, { id, ms }) => [id, Math.round(ms)],
  decode: () => undefined,
};
