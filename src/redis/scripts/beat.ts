/** Registers a worker, or renews its session. */
import type { Beat, WorkerInfo } from '../../core/fleet.ts';
import { formatWorker } from '../fields.ts';
import type { Keys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Beaten {
  readonly worker: WorkerInfo;
  readonly sessionMs: number;
  readonly atWork: string;
}

export const beat: StoreScript<Keys, Beaten, Beat | { readonly shards: unknown }> = {
  script: toScript('beat', lua.beat),
  keys: (keys, { worker }) => [keys.workers, keys.worker(worker.id), keys.presence, keys.config],
  args: (keys, { worker, sessionMs, atWork }) => [
    worker.id,
    keys.live(worker.id),
    sessionMs,
    keys.shards.length,
    ...formatWorker(worker),
    'atWork',
    atWork,
  ],
  decode: (_, [outcome, value]) =>
    String(outcome) === 'shards' ? { shards: value } : { draining: value === 1 },
};
