/** Lets a run into the turnstile of its workflow. */
import type { EnterOutcome, EnterParams, Keyed, OnBusy } from '../../core/turns.ts';
import type { Keys } from '../keys.ts';
import { formatLimits, toMember, toTurns } from '../keyed.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const turnsEnter: StoreScript<Keys, EnterParams, EnterOutcome> = {
  script: toScript('turnsEnter', lua.turnsEnter),
  keys: (keys) => [keys.turnstiles],
  args: (keys, params) => [
    keys.fleet,
    params.workflow,
    params.key,
    toMember(params),
    params.priority,
    params.state ?? '',
    params.ifFree === true ? 1 : '',
    params.limits === undefined ? '' : formatLimits(params.limits),
  ],
  decode: (_, [outcome, onBusy, count, ...rest], { workflow, key }) => {
    const older: Keyed[] = [];
    for (let i = 0; i < 2 * Number(count); i += 2) {
      older.push({ workflow, key, run: String(rest[i]), birth: String(rest[i + 1]) });
    }
    return {
      outcome: String(outcome) as EnterOutcome['outcome'],
      onBusy: String(onBusy) as OnBusy,
      older,
      granted: toTurns(rest.slice(2 * older.length)),
    };
  },
};
