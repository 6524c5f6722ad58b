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
