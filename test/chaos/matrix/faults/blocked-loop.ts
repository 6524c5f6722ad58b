import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import { blocker } from '../workflows.ts';
import { sessionMs } from '../world.ts';

/** A step blocks the event loop of its worker for longer than a session lasts. */
export const blockedLoop: Fault = {
  name: 'blocked-loop',
  async inject({ driver, dir }, random) {
    const mark = join(dir, `blocked-${random.whole(0, 1e9)}`);
    const ms = sessionMs + random.whole(500, 1_500);
    await driver.start({
      workflow: blocker,
      input: { ms, mark },
      deeds: [],
      ends: ['completed'],
      output: 'done',
    });
    while (!existsSync(mark)) await sleep(20);
    await sleep(ms);
  },
};
