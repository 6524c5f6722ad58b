/**
 * Reads a run's log page by page, for somebody who watches it grow.
 *
 * A log only grows, but for one case: Redis crashed and came back with fewer events than it had acknowledged. Other events
 * then take the places of those that are gone. A reader that only remembers how far it came would skip them, so each
 * page begins with the event that was read last: if it is not the same any more, the reader goes back to the first one
 * that is new to it. Nothing is stored: a reader that dies takes its place with it.
 *
 * A gap between two events is what compaction has left, as far as the record says so; any other is a hole.
 */
import type { StoredEvent } from '../../core/event.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { RunStore } from '../../core/store.ts';
import { checkHole } from '../holes.ts';

const pageSize = fixedLimits.eventsPerPage;

export class EventReader {
  readonly #store: RunStore;
  readonly #run: string;
  /** Where the reader began: what stands before is not its business. */
  readonly #start: number;
  #last: StoredEvent | undefined;
  /** Where fences changed among the events read, oldest first: enough to tell two histories apart. */
  #fences: { readonly from: number; readonly fence: number }[] = [];
  /** Seqs of `run.rewound`, the one event that differs from what stood there under the same fence. */
  readonly #rewounds = new Set<number>();

  constructor(store: RunStore, run: string, after: number) {
    this.#store = store;
    this.#run = run;
    this.#start = after;
  }

  /** The seq of the event read last. */
  get after(): number {
    return this.#last?.seq ?? this.#start;
  }

  /**
   * What comes next, at most a page; when it is empty there is nothing more for now.
   * @throws CorruptionError when events are missing that were not compacted.
   */
  async page(): Promise<readonly StoredEvent[]> {
    const last = this.#last;
    if (last === undefined) {
      return this.#readBehind(this.#start, await this.#events(this.#start, pageSize));
    }
    const [again, ...fresh] = await this.#events(last.seq - 1, pageSize + 1);
    // The log was compacted meanwhile: it goes on where it begins now.
    if (again !== undefined && again.seq > last.seq) {
      return this.#readBehind(last.seq, [again, ...fresh]);
    }
    const isSame = again?.fence === last.fence && again.type === last.type && again.at === last.at;
    return isSame ? this.#readBehind(last.seq, fresh) : this.#read(await this.#goBack());
  }

  /** Events after `after`: up to a gap if there is one, with which the next page begins. */
  async #readBehind(
    after: number,
    events: readonly StoredEvent[],
  ): Promise<readonly StoredEvent[]> {
    const [first] = events;
    if (first !== undefined && first.seq !== after + 1) {
      for (const seq of [after + 1, first.seq - 1]) await checkHole(this.#store, this.#run, seq);
    }
    const gap = events.findIndex(({ seq }, i) => i > 0 && seq !== (events[i - 1]?.seq ?? 0) + 1);
    return this.#read(gap < 0 ? events : events.slice(0, gap));
  }

  /** From the first event that is new to this reader; none while the log is only shorter than it was. */
  async #goBack(): Promise<readonly StoredEvent[]> {
    for (let after = this.#start; ;) {
      const page = await this.#events(after, pageSize);
      const i = page.findIndex((event) => this.#isNew(event));
      if (i >= 0) return page.slice(i);
      const end = page.at(-1);
      if (end === undefined || page.length < pageSize) return [];
      after = end.seq;
    }
  }

  #isNew({ seq, fence, type }: StoredEvent): boolean {
    const known = this.#fences.findLast(({ from }) => from <= seq);
    return known?.fence !== fence || (type === 'run.rewound' && !this.#rewounds.has(seq));
  }

  #read(events: readonly StoredEvent[]): readonly StoredEvent[] {
    const first = events[0];
    if (first === undefined) return events;
    this.#fences = this.#fences.filter(({ from }) => from < first.seq);
    for (const { seq, fence, type } of events) {
      if (this.#fences.at(-1)?.fence !== fence) this.#fences.push({ from: seq, fence });
      if (type === 'run.rewound') this.#rewounds.add(seq);
    }
    this.#last = events.at(-1);
    return events;
  }

  #events(after: number, limit: number): Promise<readonly StoredEvent[]> {
    return this.#store.events({ run: this.#run, after, limit });
  }
}
