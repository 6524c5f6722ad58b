/**
 * Expiry of checkpoints: which of a run go, and the upkeep of a run at work.
 *
 * A run at work drops what has expired now and then, and before its last commit, so that a long one does not pile them up.
 * A crash in between leaves a few too many, which the next owner drops: nothing depends on it.
 */
import type { CheckpointRecord } from '../../core/checkpoint.ts';
import { toMilliseconds } from '../../core/duration.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
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
      : (await store.now()) - toMilliseconds(olderThan, 'olderThan');
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
      ...{ run, limit },
      ...(before === undefined ? {} : { before }),
    });
    yield* page;
    if (page.length < limit) return;
    before = page.at(-1)?.id;
  }
}

/** The upkeep of a run at work. */
export class Expiry {
  readonly #parts: { readonly store: RunStore; readonly run: string; readonly logger: Logger };
  readonly #expiry: CheckpointExpiry | undefined;
  /** Kept since the last look. */
  #fresh = 0;
  /** How many there are at most: with so few that none can have expired, nobody looks. */
  #held = Infinity;
  #looking: Promise<void> = Promise.resolve();

  /** Without `expiry`, nothing expires. */
  constructor(
    parts: { readonly store: RunStore; readonly run: string; readonly logger: Logger },
    expiry: CheckpointExpiry | undefined,
  ) {
    this.#parts = parts;
    this.#expiry = expiry;
  }

  /** The run was claimed when its snapshot had this version. */
  begin(version: number): void {
    if (version === 0) this.#held = 0;
  }

  /** So many checkpoints were kept. Never waits: what has expired is dropped beside the work. */
  kept(count: number): void {
    this.#fresh += count;
    this.#held += count;
    // A quarter more than wanted: dropping each at once would double the calls.
    if (this.#fresh > (this.#expiry?.keepNewest ?? 0) / 4) void this.settle();
  }

  /** Drops what is left to drop. Never rejects. */
  settle(): Promise<void> {
    const isFew = this.#held <= (this.#expiry?.keepNewest ?? 0);
    if (this.#expiry !== undefined && this.#fresh > 0 && !isFew) {
      this.#fresh = 0;
      this.#looking = this.#looking.then(() => this.#look());
    }
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { store, run, logger } = this.#parts;
    try {
      await expireCheckpoints(store, run, this.#expiry ?? {});
    } catch (error) {
      logger.warn({ run, error: String(error) }, 'checkpoints not dropped, the next look does');
    }
  }
}
