/** Takes a run out of the turnstile of its workflow. */
import type { Keyed, LeaveOutcome } from '../../core/turns.ts';
import type { Keys } from '../keys.ts';
import { toMember, toTurns } from '../keyed.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Leaving {
  readonly keyed: Keyed;
  readonly turn: number | undefined;
}

export const turnsLeave: StoreScript<Keys, Leaving, LeaveOutcome> = {
  script: toScript('turnsLeave', lua.turnsLeave),
  keys: (keys) => [keys.turnstiles],
  args: (keys, { keyed, turn }) => [
    keys.fleet,
    keyed.workflow,
    keyed.key,
    toMember(keyed),
    turn ?? '',
  ],
  decode: (_, [held, ...granted], { keyed: { workflow, key, run, birth } }) => ({
    granted: toTurns(granted),
    held: String(held) === '' ? undefined : { workflow, key, run, birth, turn: Number(held) },
  }),
};
