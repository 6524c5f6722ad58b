import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import { sessionMs } from '../world.ts';

/** SIGSTOP for longer than a session lasts, then SIGCONT: the worker wakes up and believes that it still owns its runs. */
export const workerFreeze: Fault = {
  name: 'worker-freeze',
  async inject({ fleet }, random) {
    const slot = fleet.draw(random);
    fleet.signal(slot, 'SIGSTOP');
    await sleep(sessionMs + random.whole(500, sessionMs));
    fleet.signal(slot, 'SIGCONT');
  },
};
