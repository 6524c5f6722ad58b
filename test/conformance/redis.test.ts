import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { openRedisStore } from '../support/conformance.ts';
import { newPrefix } from '../support/workers.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

runStoreSuite(
  {
    name: 'the run store on one server',
    open: () => openRedisStore({ redis: inject('redisUrl'), prefix: newPrefix() }),
  },
  runner,
);

runStoreSuite(
  {
    name: 'the run store on one server, in four shards',
    open: () => openRedisStore({ redis: inject('redisUrl'), prefix: newPrefix(), shards: 4 }),
  },
  runner,
);
