/** Which run executes a graph on a thread of LangGraph. */
import { type HoldOutcome, type HoldParams, threadWorkflow } from '../../core/langgraph.ts';
import { toBuffer } from '../arguments.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { unknownReply } from '../replies.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';
import { type Agreed, takenError } from './langgraph-put.ts';

/** Stands for a run that has held the thread before. */
const again = '=';

export const langgraphHold: StoreScript<ShardKeys, HoldParams & Agreed, HoldOutcome | 'unsure'> = {
  script: toScript('langgraph-hold', lua.langgraphHold),
  acknowledged: 'once',
  keys: (shard, { run }) => [shard.run(run)],
  args: (shard, { run, token, input, by, fence, seen, shards, sure }) => [
    run,
    shard.base,
    token,
    threadWorkflow,
    toBuffer(input),
    by,
    fence,
    seen === 'again' ? again : (seen.holder ?? ''),
    shards,
    sure ? 1 : '',
  ],
  decode: (shard, [outcome, what], { run }) => {
    switch (String(outcome)) {
      case 'held':
        return { outcome: 'held' };
      case 'changed':
        return { outcome: 'changed', holder: String(what) === '' ? undefined : String(what) };
      case 'lost':
        return { outcome: 'lost', holder: String(what) === '' ? undefined : String(what) };
      case 'gone':
        return { outcome: 'gone' };
      case 'unsure':
        return 'unsure';
      case 'taken':
        throw takenError(run, what);
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
