/**
 * Holes in a log. Events are dropped by compaction only, from the beginning on; whatever else is missing was taken away by
 * somebody who is not pawl, and a reader that went on would show a log that never was.
 */
import { CorruptionError } from '../core/errors.ts';
import type { RunStore } from '../core/store.ts';

/**
 * Looks whether an event is missing that must be there; one that has not come, or was compacted, is not missing.
 * @throws CorruptionError with its seq.
 */
export async function checkHole(
  store: Pick<RunStore, 'events' | 'record'>,
  run: string,
  seq: number,
): Promise<void> {
  if (!(await mustHave(store, run, seq))) return;
  const [found] = await store.events({ run, after: seq - 1, limit: 1 });
  if (found?.seq === seq) return;
  // Meanwhile it may have been compacted, or Redis may have come back with less.
  if (await mustHave(store, run, seq)) throw hole(run, seq);
}

async function mustHave(
  store: Pick<RunStore, 'record'>,
  run: string,
  seq: number,
): Promise<boolean> {
  const record = await store.record(run);
  return record !== undefined && record.firstSeq <= seq && seq <= record.seq;
}

export function hole(run: string, seq: number): CorruptionError {
  return new CorruptionError({ key: `run ${run}, events`, seq }, 'is missing from the log');
}
