/** A thread of LangGraph out of all that another one has. */
import { type ThreadCopy, threadWorkflow } from '../../core/langgraph.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';
import { fromCheckpoint, fromText, memberOf } from '../thread-entry.ts';
import type { Agreed } from './langgraph-put.ts';

interface Copied {
  readonly isCopied: boolean;
}

export const langgraphCopy: StoreScript<ShardKeys, ThreadCopy & Agreed, Copied | 'unsure'> = {
  script: toScript('langgraph-copy', lua.langgraphCopy),
  acknowledged: 'once',
  keys: (shard, { run }) => [
    shard.run(run),
    shard.threadCheckpoints(run),
    shard.threadOrder(run),
    shard.threadValues(run),
    shard.threadWritten(run),
    shard.threadInterrupted(run),
  ],
  args: (shard, params) => {
    const { run, token, input, ttlMs, shards, sure, holder } = params;
    const args: Argument[] = [run, shard.base, token, threadWorkflow, toBuffer(input)];
    args.push(ttlMs ?? '', shards, sure ? 1 : '', holder ?? '');
    for (const one of params.checkpoints) {
      args.push('c', memberOf(one), fromCheckpoint(one), one.event);
    }
    for (const [key, bytes] of params.values) args.push('v', key, toBuffer(bytes), '');
    for (const { at, field, text } of params.writes) {
      args.push('w', field, fromText(text), memberOf(at));
    }
    for (const place of params.interrupted) args.push('i', memberOf(place), '', '');
    return args;
  },
  decode: (_, [outcome]) =>
    String(outcome) === 'unsure' ? 'unsure' : { isCopied: String(outcome) === 'copied' },
};
