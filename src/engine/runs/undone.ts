/** Runs whose work was undone: their steps have results, and what those did is no more. */
import { decode } from '../../core/codec.ts';
import { RunError } from '../../core/errors.ts';
import type { RunStore } from '../../core/store.ts';

/**
 * Refuses to let a run go on whose steps were undone: it would take their results for true. An ended run changes no more,
 * so what is read here still holds when it is asked for.
 * @throws RunError `PAWL_RUN_ENDED`.
 */
export async function refuseUndone(store: RunStore, run: string): Promise<void> {
  const record = await store.record(run);
  if (record?.status !== 'failed') return;
  const [last] = await store.events({ run, after: record.seq - 1, limit: 1 });
  if (last?.type !== 'run.failed') return;
  const { undone } = decode(last.data, { key: `run ${run}`, seq: last.seq }) as {
    readonly undone?: boolean;
  };
  if (undone !== true) return;
  throw new RunError(
    'PAWL_RUN_ENDED',
    run,
    `Run ${run} has failed, and what it had done was undone: it cannot go on from there. Nothing was written; start a new run.`,
  );
}
