import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

/** Redis forgets all scripts, again and again, while they are in use. */
export const scriptFlush: Fault = {
  name: 'script-flush',
  async inject({ redis }, random) {
    for (let i = 0; i < 30; i++) {
      await redis.call('SCRIPT', 'FLUSH', random.pick(['ASYNC', 'SYNC']));
      await sleep(random.whole(1, 40));
    }
  },
};
