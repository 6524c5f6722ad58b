/** Expiry of checkpoints: which of a run go. */
import type { CheckpointRecord } from '../../core/checkpoint.ts';
import { toMilliseconds } from '../../core/duration.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { CheckpointExpiry } from '../../core/retention.ts';
import type { RunStore } from '../../core/store.ts';

/** Drops what has expired; returns how many that were. */
export async function expireCheckpoints(
  store: RunStore,
  run: string,
  expiry: CheckpointExpiry,
): Promise<number> {
  const expired = await expiredCheckpoints(store, run, expiry);
  return expired.length === 0 ? 0 : store.archive.forget(run, expired);
}

/** Ids of the checkpoints that have expired. */
export async function expiredCheckpoints(
  store: RunStore,
  run: string,
  { keepNewest, olderThan, unlabelledOnly = false }: CheckpointExpiry,
): Promise<readonly string[]> {
  const bornBefore =
    olderThan === undefined
      ? Infinity
      : (await store.observation.now()) - toMilliseconds(olderThan, 'olderThan');
  let place = 0;
  const expired: string[] = [];
  for await (const { id, label, at } of eachCheckpoint(store, run)) {
    if (unlabelledOnly && label !== undefined) continue;
    if (place >= (keepNewest ?? 0) && at <= bornBefore) expired.push(id);
    place += 1;
  }
  return expired;
}

/** The newest first. */
async function* eachCheckpoint(
  store: RunStore,
  run: string,
): AsyncGenerator<CheckpointRecord, void, undefined> {
  const limit = fixedLimits.runsPerPage;
  let before: string | undefined;
  for (;;) {
    const page = await store.checkpoints({
      run,
      limit,
      ...(before === undefined ? {} : { before }),
    });
    yield* page;
    if (page.length < limit) return;
    before = page.at(-1)?.id;
  }
}
