/** A checkpoint of a thread of LangGraph. */
import { type PutOutcome, type PutParams, threadWorkflow } from '../../core/langgraph.ts';
import { RunError } from '../../core/errors.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { unknownReply } from '../replies.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

/** How many shards this process thinks that the prefix has, and whether that was just seen. */
export interface Agreed {
  readonly shards: number;
  readonly sure: boolean;
}

export const langgraphPut: StoreScript<ShardKeys, PutParams & Agreed, PutOutcome | 'unsure'> = {
  script: toScript('langgraph-put', lua.langgraphPut),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [
    shard.run(run),
    shard.threadCheckpoints(run),
    shard.threadOrder(run),
    shard.threadValues(run),
    shard.threadInterrupted(run),
  ],
  args: (shard, params) => {
    const args: Argument[] = [
      params.run,
      shard.base,
      params.token,
      threadWorkflow,
      toBuffer(params.input),
      params.namespace,
      params.checkpoint,
      params.parent ?? '',
      params.born ?? '',
      JSON.stringify(params.fresh),
      JSON.stringify(params.carried),
      toBuffer(params.body),
      params.event,
      params.ttlMs ?? '',
      params.shards,
      params.sure ? 1 : '',
      params.holder ?? '',
    ];
    for (const [key, bytes] of params.values) args.push(key, toBuffer(bytes));
    return args;
  },
  decode: (shard, [outcome, what], { run }) => {
    switch (String(outcome)) {
      case 'put':
        return { outcome: 'put', birth: String(what) };
      case 'late':
        return { outcome: 'late' };
      case 'lost':
        return { outcome: 'lost' };
      case 'unknown':
        return { outcome: 'unknown', channels: (what as readonly Buffer[]).map(String) };
      case 'unsure':
        return 'unsure';
      case 'taken':
        throw takenError(run, what);
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};

/** A run of something else has the id of a thread. */
export function takenError(run: string, workflow: unknown): RunError {
  return new RunError(
    'PAWL_RUN_EXISTS',
    run,
    `Run ${run} exists of workflow ${String(workflow)}; nothing was written. Choose another thread id.`,
  );
}
