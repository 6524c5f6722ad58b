import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { startRedisCluster, type RedisCluster } from '../support/cluster.ts';
import { openRedisStore } from '../support/conformance.ts';
import { newPrefix } from '../support/workers.ts';

/** Sessions are on one master, and most runs on others. */
const skip = [
  {
    reason: 'a script cannot look at a session on another server',
    tests: [
      'a worker that beats again keeps its runs',
      'a worker whose process is there again keeps its runs',
    ],
  },
];
const runner = { describe, test, expect, beforeAll, afterAll };

describe('in a cluster of three masters', () => {
  let cluster: RedisCluster | undefined;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  runStoreSuite(
    {
      name: 'the run store that is told the nodes',
      open: () =>
        openRedisStore({ redis: { nodes: [...(cluster?.nodes ?? [])] }, prefix: newPrefix() }),
      skip,
    },
    runner,
  );

  runStoreSuite(
    {
      name: 'the run store that is told one node, by a URL',
      open: () => openRedisStore({ redis: cluster?.servers[1]?.url ?? '', prefix: newPrefix() }),
      skip,
    },
    runner,
  );
});
