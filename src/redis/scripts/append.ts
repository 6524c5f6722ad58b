/** The hot path: events of one run, and nothing else. */
import type { CommitOutcome, CommitParams } from '../../core/store.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import { toCommitOutcome } from '../commit-outcome.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const append: StoreScript<ShardKeys, CommitParams, CommitOutcome> = {
  script: toScript('append', lua.append),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [shard.run(run), shard.events(run)],
  // Plain pushes, because spreading small arrays costs more than the rest of it.
  args: (shard, { run, fence, owner, token, expectedSeq, events }) => {
    const args: Argument[] = [fence, owner, token, expectedSeq, shard.changed(run)];
    for (const event of events) args.push(event.type, toBuffer(event.data), event.branch ?? '');
    return args;
  },
  decode: toAppended,
};

/** The append scripts say no more than the version when all went well. */
export function toAppended(
  shard: ShardKeys,
  reply: unknown,
  { run, expectedSeq, events }: CommitParams,
): CommitOutcome {
  if (Array.isArray(reply)) return toCommitOutcome(shard, run, reply);
  return { outcome: 'committed', seq: expectedSeq + events.length, version: Number(reply) };
}
