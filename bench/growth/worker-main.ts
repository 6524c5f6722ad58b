/** A worker's process: `worker-main.js <url>`. Says when it is ready, ends when its parent has left. */
import { Pawl } from '../../src/index.ts';
import { fewSteps } from './few-steps.ts';

const pawl = await Pawl.open({ redis: process.argv[2] ?? '' });
process.once('disconnect', () => {
  void pawl.close().finally(() => process.exit());
});
await pawl.worker({ workflows: [fewSteps], concurrency: 20 }).ready();
process.send?.('ready');
