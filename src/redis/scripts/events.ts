/** A page of the log of a run. */
import type { StoredEvent } from '../../core/event.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { unpackEvents } from '../packed-events.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export interface PageParams {
  readonly run: string;
  /** The page begins behind this seq. */
  readonly after: number;
  readonly limit: number;
}

export const events: StoreScript<ShardKeys, PageParams, readonly StoredEvent[]> = {
  script: toScript('events', lua.events),
  keys: (shard, { run }) => [shard.events(run)],
  args: (_shard, { after, limit }) => [after + 1, limit],
  decode: (shard, packed, { run }) => unpackEvents(shard.events(run), packed as unknown as Buffer),
};
