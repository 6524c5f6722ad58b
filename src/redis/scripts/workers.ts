/** Workers by their ids, as far as they are there. */
import type { WorkerRecord } from '../../core/fleet.ts';
import { type Flat, toWorker } from '../fields.ts';
import type { Keys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const workers: StoreScript<Keys, readonly string[], readonly WorkerRecord[]> = {
  script: toScript('workers', lua.workers),
  keys: (keys) => [keys.presence],
  args: (keys, ids) => [keys.workerBase, ...ids],
  decode: (keys, reply, ids) =>
    ids.flatMap((id, i) => {
      const [flat, present] = (reply[i] ?? [[], 0]) as [Flat, number];
      return flat.length === 0 ? [] : [toWorker({ key: keys.worker(id), id }, flat, present === 1)];
    }),
};
