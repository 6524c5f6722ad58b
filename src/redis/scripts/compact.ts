/** Drops the oldest events of a run. */
import type { CompactOutcome, CompactParams } from '../../core/archive.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const compact: StoreScript<ShardKeys, CompactParams, CompactOutcome> = {
  script: toScript('compact', lua.compact),
  keys: (shard, { run }) => [shard.run(run), shard.events(run), shard.snapshot(run)],
  args: (_, { upTo, limit }) => [upTo ?? '', limit],
  decode: (_, [outcome, firstSeq, dropped, more]) => {
    if (String(outcome) === 'missing') return { outcome: 'missing' };
    return {
      outcome: 'compacted',
      firstSeq: Number(firstSeq),
      dropped: Number(dropped),
      more: more === 1,
    };
  },
};
