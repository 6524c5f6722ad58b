/** A store that says of its events how many bytes they were when they were given to it. */
import type { RunRecord, RunSummary } from '../../src/core/run.ts';
import type { RunStore } from '../../src/core/store.ts';
import { withMethods } from './with-methods.ts';

/**
 * A record tells how many bytes its events take in the store. The suite adds up what it has written, so it is shown the
 * sum of that; nothing else is changed.
 */
export function countingPlain(store: RunStore): RunStore {
  const recount = async <R extends RunRecord | RunSummary>(record: R): Promise<R> => {
    const events = await store.events({ run: record.id, after: 0, limit: record.seq });
    return { ...record, bytes: events.reduce((sum, { data }) => sum + data.length, 0) };
  };
  return withMethods(store, {
    create: async (params) => {
      const made = await store.create(params);
      const record = await recount(made.record);
      if (made.outcome === 'exists' || made.claimed === undefined) return { ...made, record };
      return { ...made, record, claimed: { ...made.claimed, record } };
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
