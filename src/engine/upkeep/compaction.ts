/** Compaction: drops the events of a run that its snapshot covers, a slice at a time, so that Redis is never held up. */
import { InvalidError, RunError } from '../../core/errors.ts';
import type { RunStore } from '../../core/store.ts';

/** Events dropped in one call: a few milliseconds of Redis. */
const eventsPerCut = 1_000;

/** What is left of a run's log after a compaction. */
export interface Compaction {
  /** Where the log begins now. */
  readonly firstSeq: number;
  /** How many events were dropped; 0 when the snapshot covers none that are still there. */
  readonly dropped: number;
}

/** @throws RunError `PAWL_RUN_NOT_FOUND`. */
export async function compactRun(
  store: RunStore,
  run: string,
  { upTo }: { readonly upTo?: number } = {},
): Promise<Compaction> {
  if (upTo !== undefined && !(Number.isSafeInteger(upTo) && upTo >= 0)) {
    throw new InvalidError('upTo', 'must be a seq: a whole number from 0.');
  }
  let dropped = 0;
  for (;;) {
    const slice = { run, limit: eventsPerCut, ...(upTo === undefined ? {} : { upTo }) };
    const outcome = await store.archive.compact(slice);
    if (outcome.outcome === 'missing') {
      throw new RunError('PAWL_RUN_NOT_FOUND', run, `There is no run ${run}.`);
    }
    dropped += outcome.dropped;
    if (!outcome.more) return { firstSeq: outcome.firstSeq, dropped };
  }
}
