/** The archive of a store with blobs: what a run drops, its blobs do not outlive by much. */
import type {
  Archive,
  CompactOutcome,
  CompactParams,
  RemoveOutcome,
  RemoveParams,
  RunBytes,
} from '../core/archive.ts';
import type { Upkeep } from './upkeep.ts';

export class BlobArchive implements Archive {
  readonly #archive: Archive;
  readonly #upkeep: Upkeep;

  constructor(archive: Archive, upkeep: Upkeep) {
    this.#archive = archive;
    this.#upkeep = upkeep;
  }

  async compact(params: CompactParams): Promise<CompactOutcome> {
    const made = await this.#archive.compact(params);
    const isLast = made.outcome === 'compacted' && !made.more;
    if (isLast) await this.#upkeep.compacted(params.run, made.firstSeq);
    return made;
  }

  async forget(run: string, checkpoints: readonly string[]): Promise<number> {
    const count = await this.#archive.forget(run, checkpoints);
    if (count > 0) await this.#upkeep.goThrough(run);
    return count;
  }

  measure(run: string): Promise<RunBytes | undefined> {
    return this.#archive.measure(run);
  }

  remove(params: RemoveParams): Promise<RemoveOutcome> {
    return this.#archive.remove(params);
  }

  count(workflow?: string): Promise<number> {
    return this.#archive.count(workflow);
  }
}
