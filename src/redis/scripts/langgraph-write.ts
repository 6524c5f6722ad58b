/** What a task of a thread of LangGraph has written. */
import { threadWorkflow, type ThreadWriteOutcome, type WriteParams } from '../../core/langgraph.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { unknownReply } from '../replies.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';
import { fromText, memberOf } from '../thread-entry.ts';
import { takenError } from './langgraph-put.ts';

export const langgraphWrite: StoreScript<ShardKeys, WriteParams, ThreadWriteOutcome> = {
  script: toScript('langgraph-write', lua.langgraphWrite),
  acknowledged: 'repeatable',
  keys: (shard, params) => [
    shard.run(params.run),
    shard.threadCheckpoints(params.run),
    shard.threadWrites(params.run, memberOf(params)),
    shard.threadWritten(params.run),
    shard.threadValues(params.run),
  ],
  args: (shard, params) => {
    const args: Argument[] = [
      params.run,
      shard.base,
      threadWorkflow,
      memberOf(params),
      params.born ?? '',
      params.interrupts ? 1 : '',
      params.holder ?? '',
    ];
    for (const { field, firstWins, text, shared } of params.writes) {
      const [key, bytes] = shared ?? [];
      const stored = fromText({ bytes: text, key });
      args.push(field, firstWins ? 1 : '', stored, bytes === undefined ? '' : toBuffer(bytes));
    }
    return args;
  },
  decode: (shard, [outcome, what, isThere], { run }) => {
    switch (String(outcome)) {
      case 'written':
        return { outcome: 'written', birth: String(what), isThere: Number(isThere) === 1 };
      case 'missing':
        return { outcome: 'missing' };
      case 'late':
        return { outcome: 'late' };
      case 'lost':
        return { outcome: 'lost' };
      case 'taken':
        throw takenError(run, what);
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
