/** A worker in a thread of its own, for tests that end the thread in the middle of a step. */
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { pawlInThread } from '../../src/testing/open-in-threads.ts';
import { childOfThreads, countingOfThreads, spinningOfThreads } from './thread-workflows.ts';

const { pawl, data } = pawlInThread({ logger: false });
if (data === 'fails') throw new TypeError('this thread has failed');
const say = (what: string) => parentPort?.postMessage(what);

const worker = pawl.worker({
  workflows: [
    countingOfThreads(async (step) => {
      say(`body ${step}`);
      await pause(step === 'slow' && data === 'first' ? 60_000 : 10);
    }),
    spinningOfThreads(() => {
      say('spinning');
      // Nothing but the end of the thread stops this.
      for (;;) if (data !== 'first') return;
    }),
    childOfThreads,
  ],
  // They are killed on purpose: no run is to blame.
  quarantineAfter: 1000,
});
await worker.ready();
say(`ready ${worker.id}`);
