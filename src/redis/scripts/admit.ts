/** Gives a run its turn. */
import type { AdmitOutcome, Turn } from '../../core/turns.ts';
import { toDueRun } from '../due-runs.ts';
import type { ShardKeys } from '../keys.ts';
import { unknownReply } from '../replies.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Admitted {
  readonly turn: Turn;
  readonly resendMs: number;
}

export const admit: StoreScript<ShardKeys, Admitted, AdmitOutcome> = {
  script: toScript('admit', lua.admit),
  acknowledged: 'repeatable',
  keys: (shard, { turn: { run } }) => [shard.run(run), shard.due],
  args: (shard, { turn, resendMs }) => [turn.run, turn.birth, turn.turn, resendMs, shard.base],
  decode: (shard, [outcome, ...rest], { turn: { run } }) => {
    switch (String(outcome)) {
      case 'admitted':
        return { outcome: 'admitted', wakeUp: toDueRun(shard, run, rest) };
      case 'kept':
        return { outcome: 'kept' };
      case 'useless':
        return { outcome: 'useless' };
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
