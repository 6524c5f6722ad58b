/** The next checkpoints of a thread of LangGraph, without values and writes. */
import type { PageStart, ThreadPage } from '../../core/langgraph.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';
import { memberOf, placeOf, toCheckpoint, toPairs } from '../thread-entry.ts';

interface Wanted {
  readonly run: string;
  /** Undefined for all. */
  readonly namespace: string | undefined;
  readonly from: PageStart | undefined;
  readonly limit: number;
}

export const langgraphPage: StoreScript<ShardKeys, Wanted, ThreadPage> = {
  script: toScript('langgraph-page', lua.langgraphPage),
  keys: (shard, { run }) => [
    shard.run(run),
    shard.payload(run),
    shard.threadCheckpoints(run),
    shard.threadOrder(run),
  ],
  args: (_, { namespace, from, limit }) => [
    maxOf(namespace, from),
    namespace === undefined ? '-' : `[${namespace}\0`,
    limit,
  ],
  decode: (shard, [birth, seq, input, flat], { run, limit }) => {
    const key = shard.threadCheckpoints(run);
    const checkpoints = toPairs(flat).map(([member, stored]) =>
      toCheckpoint(key, placeOf(member), stored),
    );
    const last = checkpoints.at(-1);
    return {
      birth: String(birth) === '' ? undefined : String(birth),
      seq: Number(seq),
      input: input as Buffer,
      checkpoints,
      next: checkpoints.length < limit ? undefined : last,
    };
  },
};

/** The greatest member is the newest checkpoint of the last namespace. */
function maxOf(namespace: string | undefined, from: PageStart | undefined): string {
  if (from?.checkpoint !== undefined) {
    return `(${memberOf({ namespace: from.namespace, checkpoint: from.checkpoint })}`;
  }
  return namespace === undefined ? '+' : `(${namespace}\u0001`;
}
