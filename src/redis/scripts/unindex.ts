/** Whether an index has a run wrongly, by what the run's record says. */
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Listed {
  readonly run: string;
  /** Of the index, as its key spells both. */
  readonly kind: string;
  readonly name: string;
  /** Takes it out. */
  readonly repair: boolean;
}

export const unindex: StoreScript<ShardKeys, Listed, boolean> = {
  script: toScript('unindex', lua.unindex),
  keys: (shard, { run, kind, name }) => [
    shard.run(run),
    shard.payload(run),
    `${shard.base}${kind}:${name}`,
  ],
  args: (_, { run, kind, name, repair }) => [run, kind, name, repair ? 1 : ''],
  decode: (_, [verdict]) => String(verdict) === 'wrong',
};
