import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkpointerSuite } from '../../src/testing/checkpointer-suite.ts';
import { openFileCheckpointer, openMemoryCheckpointer } from '../support/checkpointers.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

checkpointerSuite({ name: 'the checkpointer in memory', open: openMemoryCheckpointer }, runner);

checkpointerSuite(
  { name: 'the checkpointer in files', open: () => openFileCheckpointer(true) },
  runner,
);

checkpointerSuite(
  { name: 'the checkpointer in files, without fsync', open: () => openFileCheckpointer(false) },
  runner,
);
