/** What is done with runs in memory beside living them. Each method does its work in one go, which makes it atomic. */
import type {
  Archive,
  CompactOutcome,
  CompactParams,
  RemoveOutcome,
  RemoveParams,
  RunBytes,
} from '../core/archive.ts';
import type { Deletions } from './deletions.ts';
import { isStill, lastSeq, logBytes, type StoredRun } from './stored-run.ts';

export class MemoryArchive implements Archive {
  readonly #runs: Map<string, StoredRun>;
  readonly #find: (id: string) => StoredRun | undefined;
  readonly #now: () => number;
  readonly #deletions: Deletions;
  readonly #changed: (run: string) => void;

  /** `now` throws when the store is closed; `changed` tells those who watch a run. */
  constructor(
    runs: Map<string, StoredRun>,
    parts: {
      readonly now: () => number;
      readonly changed: (run: string) => void;
      readonly deletions: Deletions;
    },
  ) {
    this.#runs = runs;
    this.#changed = parts.changed;
    this.#now = parts.now;
    this.#deletions = parts.deletions;
    this.#find = (id) => {
      parts.now();
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
    // An imported run may hold more than its record counted; a log does not hold less than nothing.
    run.bytesBefore = Math.max(run.bytesBefore, -logBytes(run));
    return { outcome: 'compacted', firstSeq: run.firstSeq, dropped, more: wanted > dropped };
  }

  async forget(id: string, checkpoints: readonly string[]): Promise<number> {
    const kept = this.#find(id)?.checkpoints ?? [];
    const gone = new Set(checkpoints);
    const left = kept.filter(({ checkpoint }) => !gone.has(checkpoint.id));
    return kept.splice(0, kept.length, ...left).length - left.length;
  }

  /** Payloads alone: what a Map or an object costs is nobody's to say. */
  async measure(id: string): Promise<RunBytes | undefined> {
    const run = this.#find(id);
    if (run === undefined) return undefined;
    const snapshot = new Set(run.snapshot?.fields.values());
    const preserved = new Set(run.checkpoints.flatMap((one) => [...one.snapshot.fields.values()]));
    return {
      record: sum([run.input, run.output ?? nothing, run.error ?? nothing]),
      log: sum(run.events.map(({ data }) => data)),
      snapshot: sum(snapshot),
      // What a checkpoint shares with the snapshot of now costs nothing.
      checkpoints: sum([...preserved].filter((bytes) => !snapshot.has(bytes))),
      inbox: sum(run.inbox.map(({ data }) => data)),
      chunks: sum(run.chunks.kept.map(({ data }) => data)),
    };
  }

  async remove({ run: id, unchanged, data }: RemoveParams): Promise<RemoveOutcome> {
    const run = this.#find(id);
    if (run === undefined) return { outcome: 'missing' };
    if (!isStill(run, unchanged) || run.status === 'running') return { outcome: 'changed' };
    if (run.notifyPending || run.cancelPending) return { outcome: 'notifyPending' };
    this.#runs.delete(id);
    if (data !== undefined) this.#deletions.add(run, data, this.#now());
    this.#changed(id);
    return { outcome: 'removed' };
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
