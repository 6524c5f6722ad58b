import type { Fault } from '../fault.ts';

/** SIGKILL at any moment. */
export const workerKill: Fault = {
  name: 'worker-kill',
  async inject({ fleet }, random) {
    await fleet.kill(fleet.draw(random));
  },
};
