import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { startRedisCluster, type RedisCluster } from '../support/cluster.ts';
import { openRedisStore } from '../support/conformance.ts';
import { newPrefix } from '../support/workers.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

describe('in a cluster of three masters with a replica each', () => {
  let cluster: RedisCluster | undefined;

  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: 1 });
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  runStoreSuite(
    {
      name: 'the run store whose writes are confirmed by a replica',
      open: () =>
        openRedisStore({
          redis: { nodes: [...(cluster?.nodes ?? [])] },
          prefix: newPrefix(),
          durability: 'replica',
        }),
      skip: [
        {
          reason: 'a script cannot look at a session on another server',
          tests: [
            'a worker that beats again keeps its runs',
            'a worker whose process is there again keeps its runs',
          ],
        },
      ],
    },
    runner,
  );
});
