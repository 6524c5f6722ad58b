import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { openRedisStore } from '../support/conformance.ts';
import { newPrefix } from '../support/workers.ts';

runStoreSuite(
  {
    name: 'the run store on one server, in four shards',
    open: () => openRedisStore({ redis: inject('redisUrl'), prefix: newPrefix(), shards: 4 }),
  },
  { describe, test, expect, beforeAll, afterAll },
);
