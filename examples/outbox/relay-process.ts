/**
 * The relay: starts a run for each order of the outbox, and then says so to the database. A crash between the two starts
 * them again, with the ids of the orders, and pawl knows them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pawl } from 'pawl';
import { Shop } from './shop.ts';
import { order } from './workflow.ts';

const {
  PAWL_EXAMPLE_REDIS: redis = '',
  PAWL_EXAMPLE_PREFIX: prefix = '',
  PAWL_EXAMPLE_MODULE: module = '',
} = process.env;

process.on('disconnect', () => process.exit(1));
process.on('SIGINT', () => {});

const folder = new URL(module).pathname;
const shop = new Shop(folder);
const pawl = await Pawl.open({ redis, prefix });
process.on('SIGTERM', () => void pawl.close().finally(() => process.exit(0)));
process.send?.('ready');

for (;;) {
  const pending = (await shop.pending()).slice(0, 10_000);
  if (pending.length > 0) {
    const items = pending.map(({ id, cents }) => ({ id, input: { cents, folder } }));
    const outcomes = await pawl.startMany(order, items);
    const made = outcomes.filter(({ outcome }) => outcome === 'created').length;
    const known = outcomes.filter(({ outcome }) => outcome === 'known').length;
    console.log(`started ${made}, known ${known}`);
    await sleep(300);
    // What could not be started stays in the outbox.
    const done = new Set(outcomes.filter((one) => one.outcome !== 'failed').map(({ id }) => id));
    await shop.started(pending.filter(({ id }) => done.has(id)));
  }
  await sleep(50);
}
