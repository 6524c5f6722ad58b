/** A run as claim and load return it: record, payload, snapshot, events. */
import type { LoadedRun } from '../core/store.ts';
import type { Reply } from './arguments.ts';
import { type Fields, type Flat, toRecord, toSnapshot } from './fields.ts';
import type { ShardKeys } from './keys.ts';
import { unpackEvents } from './packed-events.ts';

export function toLoaded(
  shard: ShardKeys,
  id: string,
  [run, payload, snapshot, events]: Reply,
): LoadedRun {
  const key = shard.events(id);
  return {
    record: toRecord({ key: shard.run(id), id }, run as Flat | Fields, payload as Flat),
    snapshot: toSnapshot(shard.snapshot(id), snapshot as Flat),
    events: events === undefined ? [] : unpackEvents(key, events as Buffer),
  };
}
