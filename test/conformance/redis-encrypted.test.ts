/** The contract of run stores holds for the sealed one as well, around each store there is. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { RunRecord, RunSummary } from '../../src/core/run.ts';
import type { RunStore } from '../../src/core/store.ts';
import { Keyring } from '../../src/encryption/keyring.ts';
import { EncryptedRunStore } from '../../src/encryption/run-store.ts';
import type { OpenedRunStore } from '../../src/testing/run-store/opened.ts';
import { runStoreSuite } from '../../src/testing/run-store-suite.ts';
import { openMemoryStore, openRedisStore } from '../support/conformance.ts';
import { newPrefix } from '../support/workers.ts';
import { withMethods } from '../support/with-methods.ts';

const runner = { describe, test, expect, beforeAll, afterAll };

const keys = { k1: new Uint8Array(32).fill(7) };
const keyring = new Keyring({ keys, current: 'k1', required: true }, 'p');

runStoreSuite(
  {
    name: 'the encrypted run store around the one in memory',
    open: () => sealed(openMemoryStore()),
  },
  runner,
);

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

/**
 * A record tells how many bytes its events take in the store. The suite adds up what it has written, so it is shown the
 * sum of that; nothing else is changed.
 */
function countingPlain(store: RunStore): RunStore {
  const recount = async <R extends RunRecord | RunSummary>(record: R): Promise<R> => {
    const events = await store.events({ run: record.id, after: 0, limit: record.seq });
    return { ...record, bytes: events.reduce((sum, { data }) => sum + data.length, 0) };
  };
  return withMethods(store, {
    create: async (params) => {
      const made = await store.create(params);
      return { ...made, record: await recount(made.record) };
    },
    claim: async (params) => {
      const made = await store.claim(params);
      return made.outcome === 'claimed' ? { ...made, record: await recount(made.record) } : made;
    },
    record: async (run) => {
      const record = await store.record(run);
      return record && recount(record);
    },
    load: async (run) => {
      const loaded = await store.load(run);
      return loaded && { ...loaded, record: await recount(loaded.record) };
    },
    lists: withMethods(store.lists, {
      runs: async (params) => {
        const { runs, cursor } = await store.lists.runs(params);
        return { runs: await Promise.all(runs.map(recount)), cursor };
      },
    }),
  });
}
