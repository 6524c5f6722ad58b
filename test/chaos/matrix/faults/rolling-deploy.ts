import type { Fault } from '../fault.ts';

/** SIGTERM to one worker after the other while steps are at work. */
export const rollingDeploy: Fault = {
  name: 'rolling-deploy',
  async inject({ fleet }) {
    for (let slot = 0; slot < fleet.size; slot++) {
      await fleet.replace(slot);
      await fleet.whole();
    }
  },
};
