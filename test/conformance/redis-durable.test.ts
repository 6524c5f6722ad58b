import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { openRedisStore } from '../support/conformance.ts';
import { startReplicatedRedis, type ReplicatedRedis } from '../support/replicated.ts';
import { newPrefix } from '../support/workers.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

describe('on a master with one replica', () => {
  let redis: ReplicatedRedis | undefined;

  beforeAll(async () => {
    redis = await startReplicatedRedis(1);
  });

  afterAll(async () => {
    await redis?.stop();
  });

  runStoreSuite(
    {
      name: 'the run store whose writes are confirmed by the replica',
      open: () =>
        openRedisStore({ redis: redis?.url ?? '', prefix: newPrefix(), durability: 'replica' }),
    },
    runner,
  );
});
