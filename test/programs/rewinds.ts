/**
 * A run store that can forget what it has acknowledged about one run, as a Redis does that comes back with less than it had,
 * or a failover of one shard.
 */
import { MemoryRunStore } from '../../src/memory/run-store.ts';

export class RewindingStore extends MemoryRunStore {
  /** Blobs that nobody knows of any more: a store that forgets leaves them where they are. */
  readonly forgottenBlobs = new Set<string>();

  /** What to put back, to make the run what it is now. */
  image(run: string): () => void {
    const now = structuredClone(this.runs.get(run));
    const forget = this.blobs.image(run);
    return () => {
      if (now === undefined) return;
      this.runs.set(run, structuredClone(now));
      for (const address of forget()) this.forgottenBlobs.add(address);
    };
  }

  /** These messages count as known, whether or not they are in the log. */
  noteSeen(run: string, messages: readonly { readonly id: string }[]): void {
    for (const { id } of messages) this.runs.get(run)?.seen.add(id);
  }
}
