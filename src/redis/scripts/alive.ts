/** How many sessions have not ended. */
import type { Keys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const alive: StoreScript<Keys, undefined, number> = {
  script: toScript('alive', lua.alive),
  keys: (keys) => [keys.workers],
  args: () => [],
  decode: (_, [count]) => Number(count),
};
