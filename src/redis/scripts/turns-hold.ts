/** Counts turns of runs at work again that a turnstile has forgotten. */
import type { Turn } from '../../core/turns.ts';
import type { Keys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const turnsHold: StoreScript<Keys, readonly Turn[], void> = {
  script: toScript('turnsHold', lua.turnsHold),
  keys: (keys) => [keys.turnstiles],
  args: (keys, turns) => [
    keys.fleet,
    ...turns.flatMap(({ workflow, key, run, birth, turn }) => [workflow, key, run, birth, turn]),
  ],
  decode: () => undefined,
};
