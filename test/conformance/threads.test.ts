// Goal: a store and a queue that are reached from another thread keep their contracts, with errors of their classes and
// functions that are called back. Method: the suites over a channel, with both of its ends in this thread.
import { MessageChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryResumeQueue } from '../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import type { OpenedRunStore } from '../../src/testing/run-store/opened.ts';
import { resumeQueueSuite } from '../../src/testing/resume-queue-suite.ts';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { RemoteResumeQueue, remoteStore } from '../../src/threads/remote-parts.ts';
import { type ServedParts, ServedThread } from '../../src/threads/served-thread.ts';
import { Wire } from '../../src/threads/wire.ts';
import { openMemoryStore } from '../support/conformance.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

const served = new Set<ServedThread>();
afterAll(() => {
  for (const thread of served) thread.over();
});

function connect(parts: ServedParts): Wire {
  const { port1, port2 } = new MessageChannel();
  const wire = new Wire(port2, () => undefined);
  served.add(new ServedThread(port1, parts));
  return wire;
}

async function openRemoteStore(): Promise<OpenedRunStore> {
  const opened = await openMemoryStore();
  const store = opened.store as MemoryRunStore;
  const remote = remoteStore(connect({ store, queue: new MemoryResumeQueue() }));
  return {
    ...opened,
    store: remote,
    close: async () => {
      await remote.close();
      await opened.close();
    },
  };
}

runStoreSuite({ name: 'the run store of another thread', open: openRemoteStore }, runner);

resumeQueueSuite(
  {
    name: 'the resume queue of another thread',
    open: async () => {
      const queue = new MemoryResumeQueue();
      const wire = connect({ store: new MemoryRunStore(), queue });
      const remote = new RemoteResumeQueue(wire);
      return {
        queue: remote,
        close: async () => {
          await remote.close();
          wire.close();
          await queue.close();
        },
      };
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
