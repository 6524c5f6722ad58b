/** The contracts hold for a Redis user that may do no more than `pawl doctor --acl` says. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resumeQueueSuite } from '../../src/testing/resume-queue-suite.ts';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { openBullQueue, openRedisStore } from '../support/conformance.ts';
import { type LimitedServer, startLimitedServer } from '../support/limited-user.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

describe('as a user with the least rights', () => {
  let limited: LimitedServer | undefined;
  let url = '';

  beforeAll(async () => {
    limited = await startLimitedServer();
    url = await limited.allow('least');
  });

  afterAll(async () => {
    await limited?.stop();
  });

  const prefix = 'least';
  // What the suite itself looks at and clears away takes more rights than pawl has.
  const tools = (): string => limited?.server.url ?? '';

  runStoreSuite(
    {
      name: 'the run store',
      open: () => openRedisStore({ redis: url, prefix, shards: 4 }, tools()),
    },
    runner,
  );
  resumeQueueSuite({ name: 'the queue', open: () => openBullQueue(url, prefix, tools()) }, runner);

  test('nothing was refused on the way', async () => {
    expect(await limited?.refused()).toEqual([]);
  });
});
