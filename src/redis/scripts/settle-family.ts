/** What an ended run owed is owed no more. */
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Settled {
  readonly run: string;
  readonly fence: number;
  /** The hook for its end has begun. */
  readonly hook: boolean;
  /** News for its parent, or the cancel of its children. */
  readonly what: 'notifyPending' | 'cancelPending';
}

export const settleFamily: StoreScript<ShardKeys, Settled, void> = {
  script: toScript('settleFamily', lua.settleFamily),
  keys: (shard, { run }) => [shard.run(run), shard.due],
  args: (_, { run, fence, what, hook }) => [run, fence, what, hook ? 1 : ''],
  decode: () => undefined,
};
