/** Starts an order and waits for its end: `node start.mjs lamp 5`. */
import { Pawl } from 'pawl';
import { order } from './workflows.mjs';

const [item = 'lamp', parts = '5'] = process.argv.slice(2);
const pawl = await Pawl.open({ redis: process.env.REDIS_URL });
const run = await pawl.start(order, { item, parts: Number(parts) });
console.log(JSON.stringify({ run: run.id, output: await run.result() }));
await pawl.close();
