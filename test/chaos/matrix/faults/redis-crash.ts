import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

/** SIGKILL of a Redis that flushes its append-only file before it answers, and a restart with that file. */
export const redisCrash: Fault = {
  name: 'redis-crash',
  async inject({ server }, random) {
    await server.kill();
    await sleep(random.whole(0, 1_500));
    await server.restart();
  },
};
