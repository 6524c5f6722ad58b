/** A worker process. Start as many as you like; when one dies, the others go on with its runs. */
import { Pawl } from 'pawl';
import { redis } from './redis.ts';
import { order } from './workflows.ts';

const pawl = await Pawl.open({ redis });
const worker = pawl.worker({ workflows: [order], concurrency: 50 });
await worker.ready();
console.log(`worker ${worker.id} is ready, process ${process.pid}`);

// A deploy sends SIGTERM: the runs go to other workers at once.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    pawl.close({ graceMs: 5_000 }).finally(() => process.exit(0));
  });
}
