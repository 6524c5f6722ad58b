/** `npm run example -- payment`: four ways not to charge twice; each worker dies after the charge, before its answer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { chargeAndProbe } from './effect-with-probe.ts';
import { chargeByKey } from './idempotency-key.ts';
import { chargeAll } from './processed-set.ts';
import { entriesOf } from './server.ts';
import { chargeByStates } from './state-machine.ts';

export async function main(stage: Stage): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-example-'));
  const ledger = join(folder, 'ledger.jsonl');
  const module = (name: string): URL => new URL(`./${name}.js`, import.meta.url);
  try {
    stage.say('\nWay 1, a set of what is done:');
    const orders = ['A', 'B', 'C'].map((order) => ({ order, cents: 500 }));
    await killAndResume(stage, {
      workflow: chargeAll,
      module: module('processed-set'),
      input: { ledger, orders },
      killAt: 'took 500 cents for B',
    });
    stage.say('\nWay 2, a key that the server recognises:');
    await killAndResume(stage, {
      workflow: chargeByKey,
      module: module('idempotency-key'),
      input: { ledger, order: 'D', cents: 700 },
      killAt: 'took 700 cents for D',
    });
    stage.say('\nWay 3, a state machine:');
    await killAndResume(stage, {
      workflow: chargeByStates,
      module: module('state-machine'),
      input: { ledger, order: 'E', cents: 900 },
      killAt: 'now E captured',
    });
    stage.say('\nAn effect, with a probe for the case of doubt:');
    await killAndResume(stage, {
      workflow: chargeAndProbe,
      module: module('effect-with-probe'),
      input: { ledger, order: 'F', cents: 100 },
      killAt: 'took 100 cents for F',
    });

    const receipts = (await entriesOf(ledger)).map(({ order, receipt }) => `${order}: ${receipt}`);
    stage.say(`\nThe ledger of the server:\n  ${receipts.join('\n  ')}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
