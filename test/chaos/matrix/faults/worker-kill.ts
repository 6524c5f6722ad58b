import type { Fault } from '../fault.ts';

/** SIGKILL at any moment. */
export const workerKill: Fault = {
  name: 'worker-kill',
  async inject({ fleet }, random) {
    await fleet.kill(random.whole(0, fleet.size - 1));
  },
};
