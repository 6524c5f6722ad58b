import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryResumeQueue } from '../../src/memory/resume-queue.ts';
import { resumeQueueSuite } from '../../src/testing/resume-queue-suite.ts';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { openMemoryStore } from '../support/conformance.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

runStoreSuite({ name: 'the run store in memory', open: openMemoryStore }, runner);

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
