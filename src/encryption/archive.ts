/** The archive of an encrypted store: nearly nothing of it is about payloads. */
import type {
  Archive,
  CompactOutcome,
  CompactParams,
  RemoveOutcome,
  RemoveParams,
  RunBytes,
} from '../core/archive.ts';

export class EncryptedArchive implements Archive {
  readonly #archive: Archive;
  readonly #sealRequest: (run: string, data: Uint8Array) => Uint8Array;

  /** `sealRequest`: encrypts who asks for a deletion, and why. */
  constructor(archive: Archive, sealRequest: (run: string, data: Uint8Array) => Uint8Array) {
    this.#archive = archive;
    this.#sealRequest = sealRequest;
  }

  compact(params: CompactParams): Promise<CompactOutcome> {
    return this.#archive.compact(params);
  }

  forget(run: string, checkpoints: readonly string[]): Promise<number> {
    return this.#archive.forget(run, checkpoints);
  }

  measure(run: string): Promise<RunBytes | undefined> {
    return this.#archive.measure(run);
  }

  async remove(params: RemoveParams): Promise<RemoveOutcome> {
    const { run, data } = params;
    if (data === undefined) return this.#archive.remove(params);
    return this.#archive.remove({ ...params, data: this.#sealRequest(run, data) });
  }

  count(workflow?: string): Promise<number> {
    return this.#archive.count(workflow);
  }
}
