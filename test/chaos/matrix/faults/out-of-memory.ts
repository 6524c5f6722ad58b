import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

/** Redis is full for a while: it refuses whatever could need more memory. */
export const outOfMemory: Fault = {
  name: 'out-of-memory',
  async inject({ redis }, random) {
    await redis.config('SET', 'maxmemory', '1mb');
    await sleep(random.whole(500, 2_500));
    await redis.config('SET', 'maxmemory', '0');
  },
};

/** A worker is asked to end while Redis is full: it cannot hand its runs back, and leaves them without an owner. */
export const deployWhenFull: Fault = {
  name: 'deploy-when-full',
  async inject({ redis, fleet }, random) {
    await fleet.whole();
    await redis.config('SET', 'maxmemory', '1mb');
    await fleet.replace(fleet.draw(random));
    await redis.config('SET', 'maxmemory', '0');
    await fleet.whole();
  },
};
