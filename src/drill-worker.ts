/**
 * A worker process of a drill. It is told where Redis is by its parent, not by its command line, where a password would
 * be seen; when the parent dies, the channel closes and it ends.
 */
import { drilled, type DrillWorkerSetup } from './drill.ts';
import { Pawl } from './pawl.ts';

process.once('disconnect', () => process.exit(0));
process.once('message', (setup: DrillWorkerSetup) => {
  work(setup).catch((error: unknown) => {
    process.send?.({ error: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  });
});

async function work({ redis, prefix }: DrillWorkerSetup): Promise<void> {
  const pawl = await Pawl.open({ redis, prefix });
  const worker = pawl.worker({ workflows: [drilled], concurrency: 4 });
  await worker.ready();
  process.send?.({ worker: worker.id });
}
