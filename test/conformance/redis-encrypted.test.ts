/** The contract of run stores holds for the sealed one as well, around each store there is. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Keyring } from '../../src/encryption/keyring.ts';
import { EncryptedRunStore } from '../../src/encryption/run-store.ts';
import type { OpenedRunStore } from '../../src/testing/run-store/opened.ts';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { openMemoryStore, openRedisStore } from '../support/conformance.ts';
import { countingPlain } from '../support/counting-plain.ts';
import { isThorough } from '../support/thorough.ts';
import { newPrefix } from '../support/workers.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

const keys = { k1: new Uint8Array(32).fill(7) };
const keyring = new Keyring({ keys, current: 'k1', required: true }, 'p');

if (isThorough) {
  const name = 'the encrypted run store around the one in memory';
  runStoreSuite({ name, open: () => sealed(openMemoryStore()) }, runner);
}

runStoreSuite(
  {
    name: 'the encrypted run store around the one on Redis',
    open: () => sealed(openRedisStore({ redis: inject('redisUrl'), prefix: newPrefix() })),
  },
  runner,
);

async function sealed(opening: Promise<OpenedRunStore>): Promise<OpenedRunStore> {
  const opened = await opening;
  return { ...opened, store: countingPlain(new EncryptedRunStore(opened.store, keyring)) };
}
