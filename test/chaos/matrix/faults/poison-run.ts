import type { Fault } from '../fault.ts';
import { poison } from '../workflows.ts';

const patienceMs = 60_000;

/** A run that kills whoever executes it: it is quarantined, and its neighbours are not. */
export const poisonRun: Fault = {
  name: 'poison-run',
  async inject({ driver, fleet }) {
    const id = await driver.start({
      workflow: poison,
      input: undefined,
      deeds: [],
      ends: ['quarantined'],
    });
    await driver.ended(id, patienceMs);
    await fleet.whole();
  },
};
