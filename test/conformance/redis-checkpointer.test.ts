import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { checkpointerSuite } from '../../src/testing/checkpointer-suite.ts';
import { openRedisCheckpointer } from '../support/checkpointers.ts';
import { newPrefix } from '../support/workers.ts';

checkpointerSuite(
  {
    name: 'the checkpointer on Redis',
    open: () => openRedisCheckpointer(inject('redisUrl'), newPrefix()),
  },
  { describe, test, expect, beforeAll, afterAll },
);
