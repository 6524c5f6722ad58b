/** Notes the limits of workflows. */
import type { LimitsOfCode } from '../../core/turns.ts';
import type { Keys } from '../keys.ts';
import { formatLimits } from '../keyed.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const turnsLimit: StoreScript<Keys, Readonly<Record<string, LimitsOfCode>>, void> = {
  script: toScript('turnsLimit', lua.turnsLimit),
  keys: (keys) => [keys.turnstiles],
  args: (keys, limits) => [
    keys.fleet,
    ...Object.entries(limits).flatMap(([workflow, one]) => [workflow, formatLimits(one)]),
  ],
  decode: () => undefined,
};
