/** The record of a run, with its payload. */
import type { RunRecord } from '../../core/run.ts';
import { type Flat, toRecord } from '../fields.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const record: StoreScript<ShardKeys, string, RunRecord | undefined> = {
  script: toScript('record', lua.record),
  keys: (shard, run) => [shard.run(run), shard.payload(run)],
  args: () => [],
  decode: (shard, [flat, payload], id) => {
    if ((flat as Flat).length === 0) return undefined;
    return toRecord({ key: shard.run(id), id }, flat as Flat, payload as Flat);
  },
};
