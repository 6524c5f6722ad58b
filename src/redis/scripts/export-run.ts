/** Everything of a run but its log and its checkpoints. */
import type { ExportedRun } from '../../core/transfer.ts';
import { type Entry, type Flat, isUnmanaged, toMessage, toNotes } from '../fields.ts';
import type { ShardKeys } from '../keys.ts';
import { toLoaded } from '../loaded-run.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const exportRun: StoreScript<ShardKeys, string, ExportedRun | undefined> = {
  script: toScript('exportRun', lua.exportRun),
  keys: (shard, run) => [
    shard.run(run),
    shard.payload(run),
    shard.snapshot(run),
    shard.inbox(run),
    shard.seen(run),
  ],
  args: () => [],
  decode: (shard, [outcome, fields, payload, stored, messages, seen], run) => {
    if (String(outcome) === 'missing') return undefined;
    const { record, snapshot } = toLoaded(shard, run, [fields, payload, stored]);
    const inbox = shard.inbox(run);
    return {
      record,
      snapshot,
      unmanaged: isUnmanaged(fields as Flat),
      ...toNotes(fields as Flat),
      messages: (messages as Entry[]).map((entry) => toMessage(inbox, entry)),
      seen: (seen as Buffer[]).map(String),
    };
  },
};
