import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

/** SIGSTOP of Redis: connections stay, nobody answers, and afterwards every session seems to be over. */
export const redisFreeze: Fault = {
  name: 'redis-freeze',
  async inject({ server, isLong }) {
    process.kill(server.pid, 'SIGSTOP');
    await sleep(isLong ? 10_000 : 2_000);
    process.kill(server.pid, 'SIGCONT');
  },
};
