/** Puts a question to a run. */
import { type QuestionOutcome, type QuestionParams, questionsMax } from '../../core/questions.ts';
import { toBuffer } from '../arguments.ts';
import { toDueRun } from '../due-runs.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { statusOf, unknownReply } from '../replies.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const ask: StoreScript<ShardKeys, QuestionParams, QuestionOutcome> = {
  script: toScript('ask', lua.ask),
  keys: (shard, { run }) => [shard.run(run), shard.questions(run), shard.due],
  args: (shard, { run, id, name, data, forMs }) => [
    run,
    id,
    name,
    toBuffer(data),
    Math.ceil(forMs),
    questionsMax,
    shard.base,
  ],
  decode: (shard, [outcome, ...rest], { run }) => {
    switch (String(outcome)) {
      case 'asked':
        return {
          outcome: 'asked',
          woken: rest[0] === 1,
          wakeUp: toDueRun(shard, run, rest.slice(1)),
        };
      case 'full':
        return { outcome: 'full' };
      case 'paused':
        return { outcome: 'paused' };
      case 'ended':
        return { outcome: 'ended', status: statusOf(shard, run, rest[0]) };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
