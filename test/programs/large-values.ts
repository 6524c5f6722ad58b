/**
 * Programs whose values lie in a blob store that is slow, fails, and is swept while they are at work. A process may die
 * between a blob and the write that refers to it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { BlobRunStore } from '../../src/blobs/run-store.ts';
import { addressIn, type BlobStore } from '../../src/core/blobs.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { RunStore } from '../../src/core/store.ts';
import { systemClock } from '../../src/engine/system-clock.ts';
import { MemoryBlobStore } from '../../src/memory/blob-store.ts';

/** Most values of a program are larger. */
const overBytes = 40;
const failureRate = 0.004;
const slowMsMax = 1;
/**
 * What is pending is swept while its writer may still be at work, so that writes are refused. Garbage stays for longer than
 * a run needs to be forgotten back to what it was.
 */
const times = { sweepMs: 100, pendingMs: 60, garbageMs: 3_000 };

export class LargeValues {
  readonly blobs = new MemoryBlobStore();
  readonly #random: () => number;
  /** Blobs that were put, and that were removed again. */
  puts = 0;
  removals = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The store as a process sees it. */
  around(store: RunStore): RunStore {
    const clock = systemClock;
    return new BlobRunStore(store, {
      blobs: this.#faulty(),
      overBytes,
      clock,
      logger: silentLogger,
      times,
    });
  }

  /** What the bytes stand for. */
  resolve(bytes: Uint8Array): Uint8Array {
    const address = addressIn(bytes);
    return address === undefined ? bytes : (this.blobs.values.get(address) ?? bytes);
  }

  /** Nobody is at work any more: what is wrong with what is there. `runs`: all that there are. */
  async problems(
    store: RunStore,
    {
      runs,
      forgotten,
    }: { readonly runs: readonly string[]; readonly forgotten: ReadonlySet<string> },
  ): Promise<string[]> {
    const known = new Set<string>();
    const problems: string[] = [];
    for (const run of runs) {
      for (const address of await store.blobs.of(run)) {
        known.add(address);
        if (!this.blobs.values.has(address)) problems.push(`blob ${address} of ${run} is missing`);
      }
    }
    const all = { pendingMs: -1, garbageMs: -1, limit: 1_000_000 };
    for (const { address } of await store.blobs.collect(all)) {
      if (known.has(address)) problems.push(`blob ${address} is in use, and garbage`);
      this.blobs.values.delete(address);
    }
    for (const address of this.blobs.values.keys()) {
      const isKnown = known.has(address) || forgotten.has(address);
      if (!isKnown) problems.push(`blob ${address} is nobody's, and nobody knows of it`);
    }
    return problems;
  }

  #faulty(): BlobStore {
    const meet = async (): Promise<void> => {
      if (this.#random() < 0.5) await pause(this.#random() * slowMsMax);
      if (this.#random() < failureRate) throw new Error('the blob store is away');
    };
    return {
      put: async (address, bytes) => {
        await meet();
        await this.blobs.put(address, bytes);
        this.puts += 1;
        // It may fail behind its work, too.
        await meet();
      },
      get: async (address) => {
        await meet();
        return this.blobs.get(address);
      },
      delete: async (address) => {
        await meet();
        await this.blobs.delete(address);
        this.removals += 1;
      },
    };
  }
}
