/** Puts parts of a run aside. */
import { stagedMs, type StageParams } from '../../core/transfer.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import type { ShardKeys } from '../keys.ts';
import { stagedKeys } from '../staged-keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const stage: StoreScript<ShardKeys, StageParams, void> = {
  script: toScript('stage', lua.stage),
  keys: (shard, { run, token }) => stagedKeys(shard, run, token),
  args: (_, { events = [], saves = [], messages = [], seen = [] }) => {
    const args: Argument[] = [stagedMs, events.length, saves.length, messages.length, seen.length];
    for (const { seq, fence, type, at, data, branch, more } of events) {
      args.push(seq, fence, type, at, toBuffer(data), branch ?? '', more === true ? 1 : '');
    }
    for (const { checkpoint, set, remove } of saves) {
      const { id = '', seq = '', schema = '', at = '', bytes = '' } = checkpoint ?? {};
      const { label = '', node = '', metadata } = checkpoint ?? {};
      args.push(id, seq, schema, at, bytes, label, node);
      args.push(metadata === undefined ? '' : toBuffer(metadata), set.size, remove.length);
      for (const [field, value] of set) args.push(field, toBuffer(value));
      args.push(...remove);
    }
    for (const { place, id, kind, name, at, data, key, wait, actor } of messages) {
      args.push(place, id, kind, name, at, toBuffer(data), key ?? '', wait ?? '', actor ?? '');
    }
    args.push(...seen);
    return args;
  },
  decode: () => undefined,
};
