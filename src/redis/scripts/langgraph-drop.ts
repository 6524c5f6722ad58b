/** Checkpoints of a thread of LangGraph that go, and what only they referred to. */
import type { ThreadPlace } from '../../core/langgraph.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';
import { memberOf } from '../thread-entry.ts';

interface Dropping {
  readonly run: string;
  readonly birth: string;
  readonly seq: number;
  readonly checkpoints: readonly Omit<ThreadPlace, 'run'>[];
}

export const langgraphDrop: StoreScript<ShardKeys, Dropping, boolean> = {
  script: toScript('langgraph-drop', lua.langgraphDrop),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [
    shard.run(run),
    shard.threadCheckpoints(run),
    shard.threadOrder(run),
    shard.threadValues(run),
    shard.threadWritten(run),
    shard.threadInterrupted(run),
  ],
  args: (shard, { run, birth, seq, checkpoints }) => [
    run,
    shard.base,
    birth,
    seq,
    ...checkpoints.map(memberOf),
  ],
  decode: (_, [outcome]) => String(outcome) === 'dropped',
};
