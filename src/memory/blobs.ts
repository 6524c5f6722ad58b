/** What a store in memory knows of blobs: which a run has taken, which are pending, which are garbage. */
import { type BlobIndex, type BlobNote, type CollectParams, SweptError } from '../core/blobs.ts';

interface Waiting extends BlobNote {
  /** Since when it is pending, or garbage. */
  readonly since: number;
}

export class MemoryBlobs implements BlobIndex {
  readonly #now: () => number;
  readonly #own = new Map<string, Set<string>>();
  /** By address. */
  readonly #pending = new Map<string, Waiting>();
  readonly #garbage = new Map<string, Waiting>();

  /** `now` throws when the store is closed. */
  constructor(now: () => number) {
    this.#now = now;
  }

  async note(run: string, addresses: readonly string[]): Promise<void> {
    const since = this.#now();
    for (const address of addresses) this.#pending.set(address, { run, address, since });
  }

  async of(run: string): Promise<readonly string[]> {
    this.#now();
    return [...(this.#own.get(run) ?? [])];
  }

  async drop(run: string, addresses: readonly string[]): Promise<void> {
    const since = this.#now();
    for (const address of addresses) {
      const isOwn = this.#own.get(run)?.delete(address) === true;
      const isPending = this.#isPending(run, address) && this.#pending.delete(address);
      if (isOwn || isPending) this.#garbage.set(address, { run, address, since });
    }
  }

  async collect({ pendingMs, garbageMs, limit }: CollectParams): Promise<readonly BlobNote[]> {
    const now = this.#now();
    const late = [...this.#pending.values()].filter(({ since }) => since <= now - pendingMs);
    for (const { run, address } of late.slice(0, limit)) {
      this.#pending.delete(address);
      this.#garbage.set(address, { run, address, since: now });
    }
    const old = [...this.#garbage.values()].filter(({ since }) => since <= now - garbageMs);
    const gone = old.slice(0, limit).map(({ run, address }) => ({ run, address }));
    for (const one of gone) this.#garbage.set(one.address, { ...one, since: now });
    return gone;
  }

  async collected(notes: readonly BlobNote[]): Promise<void> {
    this.#now();
    for (const { address } of notes) this.#garbage.delete(address);
  }

  /** What is pending of these is the run's from now on. @throws SweptError when one is not; nothing has changed then. */
  take(run: string, addresses: readonly string[] = []): void {
    if (!addresses.every((address) => this.#isPending(run, address))) throw new SweptError(run);
    const own = this.#own.get(run) ?? new Set();
    for (const address of addresses) {
      this.#pending.delete(address);
      own.add(address);
    }
    if (own.size > 0) this.#own.set(run, own);
  }

  /** The run goes: what it has taken is garbage. */
  leave(run: string): void {
    const since = this.#now();
    for (const address of this.#own.get(run) ?? []) {
      this.#garbage.set(address, { run, address, since });
    }
    this.#own.delete(run);
  }

  /**
   * For tests: what to do to have all that is known of a run's blobs forgotten back to what it is now. It returns the
   * addresses that nobody knows of from then on.
   */
  image(run: string): () => string[] {
    const own = new Set(this.#own.get(run));
    const lists = [this.#pending, this.#garbage].map((list) => {
      const ofRun = [...list].filter(([, one]) => one.run === run);
      return { list, ofRun };
    });
    return () => {
      const forgotten = new Set(this.#own.get(run));
      this.#own.set(run, new Set(own));
      for (const address of own) forgotten.delete(address);
      for (const { list, ofRun } of lists) {
        for (const [address, one] of list) {
          if (one.run === run && list.delete(address)) forgotten.add(address);
        }
        for (const [address, one] of ofRun) {
          list.set(address, one);
          forgotten.delete(address);
        }
      }
      return [...forgotten];
    };
  }

  #isPending(run: string, address: string): boolean {
    return this.#pending.get(address)?.run === run;
  }
}
