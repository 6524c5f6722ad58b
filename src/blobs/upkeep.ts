/**
 * Who removes blobs, and when.
 *
 *   every `sweepMs`, each process   what is garbage for `garbageMs` goes from the blob store, then from the list
 *   a log was compacted             blobs of the events that are gone
 *   messages were taken             their blobs
 *   many fields were saved anew     blobs that neither the snapshot nor a checkpoint refers to
 *
 * Several processes may do the same at one time: an address is never used twice, so removing it again is no harm. A crash
 * leaves garbage that the next sweep removes, or, when the list of a run was not gone through, blobs that stay as long as
 * the run. A value is never looked for in the list, so a list that says too much hides nothing.
 */
import type { RunStore } from '../core/store.ts';
import type { Clock } from '../core/clock.ts';
import { detach } from '../core/detached.ts';
import { addressIn } from '../core/blobs.ts';
import { fixedLimits } from '../core/limits.ts';
import { type Logger } from '../core/logger.ts';
import { isField, isOfMessage, seqOf } from './places.ts';
import type { Vault } from './vault.ts';

/** Times in milliseconds. */
export interface UpkeepTimes {
  /** Between two sweeps. */
  readonly sweepMs: number;
  /** A blob that no write has taken for so long is garbage. */
  readonly pendingMs: number;
  /** So long garbage stays readable. */
  readonly garbageMs: number;
}

export const upkeepTimes: UpkeepTimes = {
  sweepMs: 30_000,
  pendingMs: 3_600_000,
  garbageMs: 60_000,
};

const perSweep = 500;
/** Fields saved anew before a run is gone through: at least so many, and as many as were found to be in use. */
const savesLeast = 32;

/** Of a run at work here. */
interface Saves {
  count: number;
  inUse: number;
  isAtWork: boolean;
}

export interface UpkeepParts {
  readonly store: RunStore;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times: UpkeepTimes;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #saves = new Map<string, Saves>();
  readonly #stop: () => Promise<void>;
  #sweeping: Promise<number> | undefined;
  #isClosed = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    const { clock, times } = parts;
    let isFirst = true;
    this.#stop = clock.repeat(async () => {
      if (!isFirst) await this.#sweepQuietly();
      isFirst = false;
      return times.sweepMs;
    });
  }

  /** Removes what is garbage for long enough; how much it was. */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<number> {
    const { store, vault, times } = this.#parts;
    const { pendingMs, garbageMs } = times;
    for (let removed = 0; ;) {
      const garbage = await store.blobs.collect({ pendingMs, garbageMs, limit: perSweep });
      const ends = await Promise.allSettled(garbage.map(({ address }) => vault.delete(address)));
      const gone = garbage.filter((_, i) => ends[i]?.status === 'fulfilled');
      if (gone.length > 0) await store.blobs.collected(gone);
      removed += gone.length;
      const failed = ends.find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
      if (garbage.length < perSweep || this.#isClosed) return removed;
    }
  }

  /** The log of a run begins here now. */
  async compacted(run: string, firstSeq: number): Promise<void> {
    await this.#dropWhere(run, (address) => (seqOf(address) ?? firstSeq) < firstSeq);
  }

  /** The run has taken these messages; `hadLarge`: one of them, or of others, was a blob. */
  taken(run: string, ids: readonly string[]): void {
    this.#detach(this.#dropWhere(run, (address) => isOfMessage(address, ids)));
  }

  /** So many fields of the run's snapshot were put aside and saved. */
  saved(run: string, fields: number): void {
    const saves = this.#saves.get(run) ?? { count: 0, inUse: 0, isAtWork: false };
    this.#saves.set(run, saves);
    saves.count += fields;
    if (saves.isAtWork || saves.count < Math.max(savesLeast, saves.inUse)) return;
    saves.isAtWork = true;
    saves.count = 0;
    this.#detach(this.#goThroughFor(run, saves));
  }

  async #goThroughFor(run: string, saves: Saves): Promise<void> {
    try {
      saves.inUse = await this.goThrough(run);
    } finally {
      saves.isAtWork = false;
    }
  }

  /** The run is not at work here any more. */
  released(run: string): void {
    this.#saves.delete(run);
  }

  /**
   * Drops blobs of fields that neither the snapshot nor a checkpoint refers to; how many are in use. What is saved
   * meanwhile is not in the list that was read first, and a value moves from the snapshot to a checkpoint, never back.
   */
  async goThrough(run: string): Promise<number> {
    const { store } = this.#parts;
    const fields = (await store.blobs.of(run)).filter(isField);
    if (fields.length === 0) return 0;
    const inUse = new Set<string>();
    const use = (values: Iterable<Uint8Array> | undefined): void => {
      for (const bytes of values ?? []) inUse.add(addressIn(bytes) ?? '');
    };
    use((await store.load(run))?.snapshot?.fields.values());
    let before: string | undefined;
    for (;;) {
      const limit = fixedLimits.runsPerPage;
      const page = await store.checkpoints({
        run,
        limit,
        ...(before === undefined ? {} : { before }),
      });
      for (const { id } of page) use((await store.recall(run, id))?.fields.values());
      if (page.length < limit) break;
      before = page.at(-1)?.id;
    }
    const unused = fields.filter((address) => !inUse.has(address));
    if (unused.length > 0) await store.blobs.drop(run, unused);
    return fields.length - unused.length;
  }

  /** What is at work ends by itself: nobody waits for it. */
  close(): void {
    this.#isClosed = true;
    detach(this.#stop(), () => undefined);
  }

  async #dropWhere(run: string, isUnused: (address: string) => boolean): Promise<void> {
    const { store } = this.#parts;
    const unused = (await store.blobs.of(run)).filter(isUnused);
    if (unused.length > 0) await store.blobs.drop(run, unused);
  }

  async #sweepQuietly(): Promise<void> {
    try {
      await this.sweep();
    } catch (error) {
      this.#warn(error);
    }
  }

  /** Should it fail, the blobs stay as long as the run. */
  #detach(work: Promise<void>): void {
    detach(work, (error) => this.#warn(error));
  }

  #warn(error: unknown): void {
    if (this.#isClosed) return;
    this.#parts.logger.warn({ error: String(error) }, 'blobs not removed, trying again later');
  }
}
