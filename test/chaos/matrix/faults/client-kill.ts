import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

const everyMs = 8;

/** Redis drops one connection after the other, of callers, workers and their subscriptions. */
export const clientKill: Fault = {
  name: 'client-kill',
  async inject({ redis, isLong }, random) {
    const until = performance.now() + (isLong ? 6_000 : 2_000);
    const own = await redis.client('ID');
    while (performance.now() < until) {
      const ids = [...String(await redis.client('LIST')).matchAll(/^id=(\d+) /gm)];
      const others = ids.map(([, id]) => Number(id)).filter((id) => id !== own);
      if (others.length > 0) await redis.client('KILL', 'ID', random.pick(others));
      await sleep(everyMs);
    }
  },
};
