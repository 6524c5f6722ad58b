/** The contract of run stores holds where every value lies in a blob store as well, around each store there is. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { BlobRunStore } from '../../src/blobs/run-store.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { Keyring } from '../../src/encryption/keyring.ts';
import { EncryptedRunStore } from '../../src/encryption/run-store.ts';
import { systemClock } from '../../src/engine/system-clock.ts';
import { MemoryBlobStore } from '../../src/memory/blob-store.ts';
import type { OpenedRunStore } from '../../src/testing/run-store/opened.ts';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { openMemoryStore, openRedisStore } from '../support/conformance.ts';
import { countingPlain } from '../support/counting-plain.ts';
import { newPrefix } from '../support/workers.ts';

const runner = { describe, test, expect, beforeAll, afterAll };
const keys = { k1: new Uint8Array(32).fill(7) };
const keyring = new Keyring({ keys, current: 'k1', required: true }, 'p');

const skip = [
  {
    reason: 'a store is asked what it holds itself, and a reference has one size',
    tests: ['each kind of bytes grows with what is written, and shrinks with what is dropped'],
  },
  {
    reason:
      'the tests of the index make writes that refer to blobs, which is what this store does by itself',
    tests: [
      'a blob that a write refers to is the run’s, with each write that may refer to one',
      'a commit that comes again is answered as the first, though its blobs are taken',
      'a write that is refused takes no blob',
      'a write that refers to a blob that is garbage is refused, and nothing is written',
      'garbage is told until it is gone, and what was dropped is garbage',
      'the blobs of a run that is deleted are garbage, and another run of its id has none',
    ],
  },
];

runStoreSuite({ name: 'blobs around memory', open: () => aside(openMemoryStore()), skip }, runner);

runStoreSuite(
  {
    name: 'blobs around Redis, with encryption around them',
    open: () => aside(openRedisStore({ redis: inject('redisUrl'), prefix: newPrefix() }), keyring),
    skip,
  },
  runner,
);

/** Whatever is not empty is large. */
async function aside(opening: Promise<OpenedRunStore>, cipher?: Keyring): Promise<OpenedRunStore> {
  const opened = await opening;
  const small = new BlobRunStore(opened.store, {
    blobs: new MemoryBlobStore(),
    overBytes: 0,
    clock: systemClock,
    logger: silentLogger,
  });
  const store = cipher === undefined ? small : new EncryptedRunStore(small, cipher);
  return {
    ...opened,
    store: countingPlain(store),
    close: async () => {
      small.upkeep.close();
      await opened.close();
    },
  };
}
