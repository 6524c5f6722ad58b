import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { held } from '../../src/testing/run-store/opened.ts';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { startRedisCluster, type RedisCluster } from '../support/cluster.ts';
import { openRedisStore } from '../support/conformance.ts';
import { isThorough } from '../support/thorough.ts';
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

  const openByUrl = (prefix = newPrefix()) =>
    openRedisStore({ redis: cluster?.servers[1]?.url ?? '', prefix });

  test('one node, told by a URL, leads to the others', async () => {
    const prefix = newPrefix();
    const opened = await openByUrl(prefix);
    const { store } = opened;
    const runs = Array.from({ length: 40 }, (_, i) => `r${i}`);
    await Promise.all(runs.map((run) => held(store, { create: { run } })));
    const records = await Promise.all(runs.map((run) => store.record(run)));
    expect(records.map((record) => record?.status)).toEqual(runs.map(() => 'running'));
    // They are on all three.
    for (const { url } of cluster?.servers ?? []) {
      const redis = new Redis(url);
      expect((await redis.keys(`{${prefix}:*}:run:*`)).length).toBeGreaterThan(0);
      redis.disconnect();
    }
    await opened.close();
  });

  if (isThorough) {
    const name = 'the run store that is told one node, by a URL';
    runStoreSuite({ name, open: () => openByUrl(), skip }, runner);
  }
});
