import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryResumeQueue } from '../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { resumeQueueSuite } from '../../src/testing/resume-queue-suite.ts';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

runStoreSuite(
  {
    name: 'the run store in memory',
    open: async () => {
      let now = 1_700_000_000_000;
      const store = new MemoryRunStore({ clock: { now: () => now } });
      return {
        store,
        advance: async (ms) => {
          now += ms;
          await turn();
        },
        appearElsewhere: async (worker) => {
          await store.appear(worker);
          return async () => store.vanish(worker);
        },
        traces: async (run) => ((await store.record(run)) === undefined ? [] : [run]),
        close: () => store.close(),
      };
    },
  },
  runner,
);

resumeQueueSuite(
  {
    name: 'the resume queue in memory',
    open: async () => {
      const queue = new MemoryResumeQueue();
      return { queue, close: () => queue.close() };
    },
    skip: [
      {
        reason: 'each queue in memory is a messenger of its own',
        tests: ['two queues on the same messenger reach each other’s consumers'],
      },
    ],
  },
  runner,
);
