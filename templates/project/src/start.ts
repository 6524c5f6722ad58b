/** Starts a run, and follows it: `npm run order -- lamp 5`. */
import { Pawl } from 'pawl';
import { redis } from './redis.ts';
import { order } from './workflows.ts';

const [item = 'lamp', parcels = '5', id] = process.argv.slice(2);
await using pawl = await Pawl.open({ redis });
const run = await pawl.start(
  order,
  { item, parcels: Number(parcels) },
  id === undefined ? {} : { id },
);
console.log(`run ${run.id}`);
for await (const { seq, type, data } of run.events()) {
  console.log(seq, type, 'name' in data ? data.name : '');
}
console.log(await run.result());
