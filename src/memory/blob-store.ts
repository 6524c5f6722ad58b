/** Large values in memory, for tests. */
import type { BlobStore } from '../core/blobs.ts';

/** A blob store in the memory of this process: for tests, and to see what pawl puts where. */
export class MemoryBlobStore implements BlobStore {
  /** What is there, by address. */
  readonly values = new Map<string, Uint8Array>();

  /** Keeps a copy of the bytes. */
  async put(address: string, bytes: Uint8Array): Promise<void> {
    this.values.set(address, Uint8Array.from(bytes));
  }

  /** A copy of what was put; undefined when nothing was. */
  async get(address: string): Promise<Uint8Array | undefined> {
    const bytes = this.values.get(address);
    return bytes && Uint8Array.from(bytes);
  }

  /** Nothing there is no error. */
  async delete(address: string): Promise<void> {
    this.values.delete(address);
  }
}
