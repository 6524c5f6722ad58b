/** What runs give out, in memory. */
import {
  droppedAtMost,
  type Outputs,
  type StoredChunk,
  type WriteOutcome,
  type WriteParams,
} from '../core/outputs.ts';
import { copy, type StoredRun } from './stored-run.ts';
import { Watchers } from './watchers.ts';

export class MemoryOutputs implements Outputs {
  readonly #runs: ReadonlyMap<string, StoredRun>;
  readonly #now: () => number;
  readonly #watchers = new Watchers();

  /** `open` tells the time, and throws when the store is closed. */
  constructor(runs: ReadonlyMap<string, StoredRun>, open: () => number) {
    this.#runs = runs;
    this.#now = open;
  }

  async write(params: WriteParams): Promise<WriteOutcome> {
    const at = this.#now();
    const run = this.#runs.get(params.run);
    if (run === undefined) return { outcome: 'missing' };
    const { chunks } = run;
    const { fence, token } = params;
    if (chunks.token === token) return { outcome: 'written', last: chunks.last };
    if (run.fence !== fence || run.owner !== params.owner) {
      return { outcome: 'fenced', fence: run.fence };
    }
    if (chunks.last !== params.last) return { outcome: 'conflict', last: chunks.last };
    for (const { output, step, epoch, data } of params.chunks) {
      chunks.last += 1;
      const number = chunks.last;
      chunks.kept.push({ number, fence, at, output, step, epoch, data: copy(data) });
      chunks.bytes += data.length;
    }
    chunks.token = token;
    trim(chunks, params, at);
    this.#watchers.tell(run.id);
    return { outcome: 'written', last: chunks.last };
  }

  async read(params: Parameters<Outputs['read']>[0]): Promise<readonly StoredChunk[]> {
    this.#now();
    const kept = this.#runs.get(params.run)?.chunks.kept ?? [];
    const from = Math.max(0, params.after + 1 - (kept[0]?.number ?? 0));
    return kept
      .slice(from, from + params.limit)
      .map((chunk) => ({ ...chunk, data: copy(chunk.data) }));
  }

  async watch(run: string, written: () => void): Promise<() => Promise<void>> {
    this.#now();
    return this.#watchers.add(run, written);
  }
}

/** Drops the oldest chunks, as long as they are too many or too old. The newest one stays. */
function trim(
  of: StoredRun['chunks'],
  { chunks, keepBytes, keepMs }: WriteParams,
  now: number,
): void {
  const oldest = keepMs === undefined ? 0 : now - keepMs;
  const most = Math.min(droppedAtMost(chunks.length), of.kept.length - 1);
  let dropped = 0;
  for (const { at, data } of of.kept.slice(0, most)) {
    if (of.bytes <= keepBytes && at >= oldest) break;
    of.bytes -= data.length;
    dropped += 1;
  }
  of.kept.splice(0, dropped);
}
