/** What can happen between one worker and Redis; each worker has a proxy of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import { sessionMs } from '../world.ts';

/** Answers are lost, with the connections they were for: the worker does not know what was applied. */
export const replyDropped: Fault = {
  name: 'reply-dropped',
  async inject({ fleet, proxies }, random) {
    for (let i = 0; i < 10; i++) {
      proxies[fleet.draw(random)]?.dropReplies(random.whole(1, 3));
      await sleep(random.whole(20, 200));
    }
    // Whatever was not dropped by now is not wanted any more.
    for (const proxy of proxies) proxy.dropReplies(0);
  },
};

/** The server's side of a worker's connections is closed, and the worker is not told. */
export const halfOpen: Fault = {
  name: 'half-open',
  async inject({ fleet, proxies }, random) {
    const proxy = proxies[fleet.draw(random)];
    proxy?.halfOpen();
    await sleep(sessionMs + random.whole(0, sessionMs));
    // In the end the system of the worker gives the connections up.
    proxy?.cut();
  },
};

/** Every packet of one worker takes its time. */
export const slowNetwork: Fault = {
  name: 'slow-network',
  async inject({ fleet, proxies, isLong }, random) {
    const proxy = proxies[fleet.draw(random)];
    proxy?.delay(200);
    await sleep(isLong ? 10_000 : 3_000);
    proxy?.delay(0);
  },
};

/** One worker is cut off for longer than its session lasts, and comes back. */
export const partition: Fault = {
  name: 'partition',
  async inject({ fleet, proxies }, random) {
    const proxy = proxies[fleet.draw(random)];
    proxy?.partition();
    await sleep(sessionMs + random.whole(500, sessionMs));
    proxy?.heal();
  },
};
