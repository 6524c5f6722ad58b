/** One checkpoint of a thread of LangGraph, with its values and its writes. */
import type { LoadedCheckpoint, ThreadPlace } from '../../core/langgraph.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';
import { toCheckpoint, toPairs, toText } from '../thread-entry.ts';

export interface Wanted extends Omit<ThreadPlace, 'checkpoint'> {
  /** Undefined for the newest. */
  readonly checkpoint: string | undefined;
}

type Found = LoadedCheckpoint | { readonly birth: string | undefined };

export const langgraphLoad: StoreScript<ShardKeys, Wanted, Found> = {
  script: toScript('langgraph-load', lua.langgraphLoad),
  keys: (shard, { run }) => [
    shard.run(run),
    shard.threadCheckpoints(run),
    shard.threadOrder(run),
    shard.threadValues(run),
  ],
  args: (shard, { run, namespace, checkpoint = '' }) => [
    shard.threadWrites(run, ''),
    namespace,
    checkpoint,
  ],
  decode: (shard, [outcome, born, id, stored, writes, values], { run, namespace }) => {
    const birth = String(born);
    if (String(outcome) === 'missing') return { birth: birth === '' ? undefined : birth };
    const key = shard.threadCheckpoints(run);
    const place = { namespace, checkpoint: String(id) };
    return {
      ...toCheckpoint(key, place, stored as Buffer),
      birth,
      writes: toPairs(writes).map(([field, text]) => [field, toText(text)] as const),
      values: new Map(toPairs(values)),
    };
  },
};
