/** Threads of LangGraph whose time is over. */
import type { ExpiredThread } from '../../core/langgraph.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

/** An open question keeps its thread; whether it is still open is asked so often, in milliseconds. */
const lookAgainMs = 60_000;

export const langgraphExpired: StoreScript<ShardKeys, number, readonly ExpiredThread[]> = {
  script: toScript('langgraph-expired', lua.langgraphExpired),
  keys: (shard) => [shard.langgraphExpiry],
  args: (shard, limit) => [shard.base, limit, lookAgainMs],
  decode: (_, reply) =>
    (reply as readonly (readonly Buffer[])[]).map(([run, seq]) => ({
      run: String(run),
      seq: Number(seq),
    })),
};
