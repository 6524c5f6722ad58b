/**
 * Reads what a run gives out, page by page, for somebody who watches it grow.
 *
 * Numbers only grow, but for one case: Redis crashed and came back with fewer chunks than it had acknowledged. Others then
 * take their places, under a higher fence. So each page begins with the chunk that was read last: if it is not the same any
 * more, the reader goes back to the first one that is new to it. A reader that dies takes its place with it.
 *
 * Chunks that are not kept any more are passed over, and counted: the next one says how many.
 */
import { decode } from '../../core/codec.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { StoredChunk } from '../../core/outputs.ts';
import type { RunStore } from '../../core/store.ts';
import type { OutputChunk } from '../definition/outputs.ts';

const pageSize = fixedLimits.chunksPerPage;

/** A chunk, and how many before it the reader has missed. */
export interface ReadChunk extends StoredChunk {
  readonly skipped: number;
}

export class OutputReader {
  readonly #store: Pick<RunStore, 'outputs'>;
  readonly #run: string;
  /** Where the reader began: what stands before is not its business. */
  readonly #start: number;
  #last: StoredChunk | undefined;
  /** Where fences changed among the chunks read, oldest first: enough to tell two histories apart. */
  #fences: { readonly from: number; readonly fence: number }[] = [];

  constructor(store: Pick<RunStore, 'outputs'>, run: string, after: number) {
    this.#store = store;
    this.#run = run;
    this.#start = after;
  }

  /** The number of the chunk read last. */
  get after(): number {
    return this.#last?.number ?? this.#start;
  }

  /** What comes next, at most a page; when it is empty there is nothing more for now. */
  async page(): Promise<readonly ReadChunk[]> {
    const last = this.#last;
    if (last === undefined) return this.#read(await this.#chunks(this.#start, pageSize));
    const chunks = await this.#chunks(last.number - 1, pageSize + 1);
    const [again, ...fresh] = chunks;
    // What was read last may not be kept any more.
    if (again !== undefined && again.number > last.number) return this.#read(chunks);
    const isSame = again?.fence === last.fence && again.at === last.at;
    return isSame ? this.#read(fresh) : this.#goBack();
  }

  /** From the first chunk that is new to this reader; none while there are only fewer than there were. */
  async #goBack(): Promise<readonly ReadChunk[]> {
    for (let after = this.#start; ;) {
      const page = await this.#chunks(after, pageSize);
      const i = page.findIndex(({ number, fence }) => {
        return this.#fences.findLast(({ from }) => from <= number)?.fence !== fence;
      });
      const first = page[i];
      if (first !== undefined) {
        this.#fences = this.#fences.filter(({ from }) => from < first.number);
        return this.#read(page.slice(i), first.number - 1);
      }
      const end = page.at(-1);
      if (end === undefined || page.length < pageSize) return [];
      after = end.number;
    }
  }

  #read(chunks: readonly StoredChunk[], after = this.after): readonly ReadChunk[] {
    let before = after;
    const read = chunks.map((chunk): ReadChunk => {
      const { number, fence } = chunk;
      if (this.#fences.at(-1)?.fence !== fence) this.#fences.push({ from: number, fence });
      const skipped = number - before - 1;
      before = number;
      return { ...chunk, skipped };
    });
    this.#last = chunks.at(-1) ?? this.#last;
    return read;
  }

  #chunks(after: number, limit: number): Promise<readonly StoredChunk[]> {
    return this.#store.outputs.read({ run: this.#run, after, limit });
  }
}

/** A chunk as users see it. @throws CorruptionError. */
export function toOutputChunk(chunk: ReadChunk, run: string): OutputChunk {
  const { number, output, step, epoch, at, skipped, data } = chunk;
  return {
    number,
    output,
    step,
    epoch,
    begins: epoch === number,
    value: decode(data, { key: `run ${run}, output`, seq: number }),
    at: new Date(at),
    skipped,
  };
}
