/** The last beat of a worker, and the channel on which nobody listened, as far as a script is to compare them. */
import type { SeenWorker } from '../core/fleet.ts';
import type { Argument } from './arguments.ts';
import type { Keys } from './keys.ts';

export function seenArguments(
  keys: Keys,
  worker: string,
  seen: SeenWorker | undefined,
): readonly Argument[] {
  return [seen?.seenAt ?? '', seen?.isAbsent === true ? keys.live(worker) : ''];
}
