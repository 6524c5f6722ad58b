import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

const hourMs = 3_600_000;

/** A worker is replaced by one whose clock is wrong by an hour, and stays until it is replaced itself. */
export const wrongClock: Fault = {
  name: 'wrong-clock',
  async inject({ fleet }, random) {
    await fleet.replace(fleet.draw(random), random.pick([-hourMs, hourMs]));
    await fleet.whole();
    await sleep(1_000);
  },
};
