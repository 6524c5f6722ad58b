/** What is done with runs in memory beside living them. Each method does its work in one go, which makes it atomic. */
import type {
  Archive,
  CompactOutcome,
  CompactParams,
  RemoveOutcome,
  RemoveParams,
  RunBytes,
} from '../core/archive.ts';
import type { DeleteOutcome } from '../core/store.ts';
import { lastSeq, type StoredRun } from './stored-run.ts';

export class MemoryArchive implements Archive {
  readonly #runs: Map<string, StoredRun>;
  readonly #find: (id: string) => StoredRun | undefined;
  readonly #now: () => number;
  readonly #changed: (run: string) => void;

  /** `now` throws when the store is closed; `changed` tells those who watch a run. */
  constructor(
    runs: Map<string, StoredRun>,
    { now, changed }: { readonly now: () => number; readonly changed: (run: string) => void },
  ) {
    this.#runs = runs;
    this.#changed = changed;
    this.#now = now;
    this.#find = (id) => {
      now();
      return runs.get(id);
    };
  }

  async compact({ run: id, upTo, limit }: CompactParams): Promise<CompactOutcome> {
    const run = this.#find(id);
    if (run === undefined) return { outcome: 'missing' };
    const cut = Math.min(upTo ?? Infinity, run.snapshot?.seq ?? 0, lastSeq(run) - 1);
    const wanted = Math.max(0, cut - run.firstSeq + 1);
    const dropped = Math.min(wanted, limit);
    run.events.splice(0, dropped);
    run.firstSeq += dropped;
    return { outcome: 'compacted', firstSeq: run.firstSeq, dropped, more: wanted > dropped };
  }

  async forget(id: string, checkpoints: readonly string[]): Promise<number> {
    const kept = this.#find(id)?.kept ?? [];
    const gone = new Set(checkpoints);
    const left = kept.filter(({ checkpoint }) => !gone.has(checkpoint.id));
    return kept.splice(0, kept.length, ...left).length - left.length;
  }

  /** Payloads alone: what a Map or an object costs is nobody's to say. */
  async measure(id: string): Promise<RunBytes | undefined> {
    const run = this.#find(id);
    if (run === undefined) return undefined;
    const snapshot = new Set(run.snapshot?.fields.values());
    const preserved = new Set(run.kept.flatMap((one) => [...one.snapshot.fields.values()]));
    return {
      record: sum([run.input, run.output ?? nothing, run.error ?? nothing]),
      log: sum(run.events.map(({ data }) => data)),
      snapshot: sum(snapshot),
      // What a checkpoint shares with the snapshot of now costs nothing.
      checkpoints: sum([...preserved].filter((bytes) => !snapshot.has(bytes))),
      inbox: sum(run.inbox.map(({ data }) => data)),
    };
  }

  async remove({ run: id, unchanged }: RemoveParams): Promise<RemoveOutcome> {
    const run = this.#find(id);
    if (run !== undefined) {
      const { status, fence, seq } = unchanged;
      const isSame = run.status === status && run.fence === fence && lastSeq(run) === seq;
      if (!isSame || status === 'running') return { outcome: 'changed' };
      if (run.expiresAt !== undefined) return { outcome: 'untold' };
    }
    const { outcome } = deleteRun(this.#runs, id);
    this.#changed(id);
    return { outcome: outcome === 'deleted' ? 'removed' : 'missing' };
  }

  async now(): Promise<number> {
    return this.#now();
  }

  async count(workflow?: string): Promise<number> {
    const all = [...this.#runs.values()];
    return all.filter((run) => workflow === undefined || run.workflow === workflow).length;
  }
}

const nothing = new Uint8Array();

function sum(all: Iterable<Uint8Array>): number {
  let bytes = 0;
  for (const { length } of all) bytes += length;
  return bytes;
}

export function deleteRun(runs: Map<string, StoredRun>, id: string): DeleteOutcome {
  const run = runs.get(id);
  if (run === undefined) return { outcome: 'missing' };
  if (run.status === 'running') return { outcome: 'active', worker: run.worker ?? '' };
  runs.delete(id);
  return { outcome: 'deleted' };
}
