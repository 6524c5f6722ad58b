/**
 * A write whose large values go into the blob store first.
 *
 *   note the addresses ──▶ put the values ──▶ write the references, and take the blobs, in one step
 *
 * A crash after the note leaves addresses that become garbage by themselves; after the write, nothing is left to do. When
 * the write says that a blob was swept meanwhile, all is done once more, with new addresses. A write that was refused
 * for another reason gives its blobs up at once. One whose answer was lost keeps them: they may be in the log.
 */
import { type BlobIndex, SweptError, toReference } from '../core/blobs.ts';
import { UnavailableError } from '../core/errors.ts';
import type { Vault } from './vault.ts';

const sweptMost = 3;

/** Puts a value aside when it is large; what is to be stored in its place. `place`: see `Vault.addressOf`. */
export type Aside = (bytes: Uint8Array, place: string) => Uint8Array;

export interface BlobWrite<T> {
  readonly run: string;
  /** Goes through all values of the write. */
  readonly prepare: (aside: Aside) => (blobs: readonly string[] | undefined) => Promise<T>;
  /** Whether the answer says that the references are stored. */
  readonly isStored: (outcome: T) => boolean;
}

export class Writing {
  readonly #index: BlobIndex;
  readonly #vault: Vault;
  readonly #overBytes: number;

  constructor(index: BlobIndex, vault: Vault, overBytes: number) {
    this.#index = index;
    this.#vault = vault;
    this.#overBytes = overBytes;
  }

  isLarge(bytes: Uint8Array): boolean {
    return bytes.length > this.#overBytes;
  }

  /** Does nothing of its own when no value is large. */
  async write<T>({ run, prepare, isStored }: BlobWrite<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const aside = new Map<string, Uint8Array>();
      const write = prepare((bytes, place) => {
        if (!this.isLarge(bytes)) return bytes;
        const address = this.#vault.addressOf(bytes, place);
        aside.set(address, bytes);
        return toReference(address);
      });
      if (aside.size === 0) return write(undefined);
      const blobs = [...aside.keys()];
      await this.put(run, aside);
      try {
        const outcome = await write(blobs);
        if (!isStored(outcome)) await this.giveUp(run, blobs);
        return outcome;
      } catch (error) {
        if (!(error instanceof SweptError)) throw error;
        // What was put behind its removal is in no list any more.
        await Promise.all(blobs.map((one) => this.#vault.delete(one).catch(() => undefined)));
        if (attempt < sweptMost) continue;
        throw new UnavailableError('blobs are swept before they are written', 'not-applied', error);
      }
    }
  }

  /** From here on the blobs are there, and somebody knows of them. */
  async put(run: string, aside: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await this.#index.note(run, [...aside.keys()]);
    await Promise.all([...aside].map(([address, bytes]) => this.#vault.put(address, bytes)));
  }

  /** Nobody will refer to them. Should it fail, they are swept later. */
  async giveUp(run: string, blobs: readonly string[]): Promise<void> {
    await this.#index.drop(run, blobs).catch(() => undefined);
  }
}
