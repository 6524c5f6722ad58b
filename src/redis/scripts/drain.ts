/** Notes that a worker is to leave; false when there is none. */
import type { Keys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const drain: StoreScript<Keys, string, boolean> = {
  script: toScript('drain', lua.drain),
  keys: (keys, worker) => [keys.worker(worker)],
  args: () => [],
  decode: (_, [outcome]) => String(outcome) === 'draining',
};
