/** Forgets a worker; false when it has shown a sign of life. */
import type { SeenWorker } from '../../core/fleet.ts';
import type { Keys } from '../keys.ts';
import { seenArguments } from '../seen-arguments.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Leaving {
  readonly worker: string;
  readonly seen: SeenWorker | undefined;
}

export const deregister: StoreScript<Keys, Leaving, boolean> = {
  script: toScript('deregister', lua.deregister),
  keys: (keys, { worker }) => [keys.workers, keys.worker(worker), keys.presence, keys.sweeper],
  args: (keys, { worker, seen }) => [worker, ...seenArguments(keys, worker, seen)],
  decode: (_, [outcome]) => String(outcome) === 'left',
};
