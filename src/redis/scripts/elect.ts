/** Asks to be the sweeper, and looks at the workers. */
import type { InterruptReason } from '../../core/event.ts';
import type { Election, Look } from '../../core/fleet.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { Keys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Electing {
  readonly worker: string;
  readonly lockMs: number;
  readonly look: Look;
}

export const elect: StoreScript<Keys, Electing, Election> = {
  script: toScript('elect', lua.elect),
  keys: (keys) => [keys.workers, keys.presence, keys.sweeper],
  args: (keys, { worker, lockMs, look }) => [
    worker,
    lockMs,
    keys.liveBase,
    keys.workerBase,
    look.from,
    fixedLimits.workersPerLook,
    ...look.again,
  ],
  decode: (_, [role, workers, at, next, ...rest]) => {
    if (String(role) === 'follower') return { leader: false, workers: Number(workers) };
    const lost = [];
    for (let i = 0; i + 2 < rest.length; i += 3) {
      lost.push({
        worker: String(rest[i]),
        reason: String(rest[i + 1]) as InterruptReason,
        lastSeenAt: Number(rest[i + 2]),
      });
    }
    return { leader: true, workers: Number(workers), at: Number(at), next: String(next), lost };
  },
};
