import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { resumeQueueSuite } from '../../src/testing/resume-queue-suite.ts';
import { startRedisCluster, type RedisCluster } from '../support/cluster.ts';
import { openBullQueue } from '../support/conformance.ts';
import { newPrefix } from '../support/workers.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

const prefix = newPrefix();

resumeQueueSuite(
  { name: 'the queue on one server', open: () => openBullQueue(inject('redisUrl'), prefix) },
  runner,
);

describe('in a cluster', () => {
  let cluster: RedisCluster | undefined;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  resumeQueueSuite(
    {
      name: 'the queue',
      open: async () => openBullQueue({ nodes: [...(cluster?.nodes ?? [])] }, prefix),
    },
    runner,
  );
});
