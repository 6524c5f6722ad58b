/** The events of a run that was loaded, page by page, up to where its record says that the log ends. */
import type { StoredEvent } from '../core/event.ts';
import { fixedLimits } from '../core/limits.ts';
import type { LoadedRun, RunStore } from '../core/store.ts';
import { hole } from './holes.ts';

type Store = Pick<RunStore, 'events'>;
type Page = readonly StoredEvent[];

/**
 * The first of the further pages is asked for at once, so call this before the snapshot is looked at. Two are on their way
 * while one is read, so that the store makes one meanwhile. `after`: the seq that the first page follows.
 * @throws CorruptionError when events are missing.
 */
export async function pagesOf(
  store: Store,
  loaded: LoadedRun,
  after: number,
): Promise<AsyncGenerator<Page, void, undefined>> {
  const pages = new LogPages(store, loaded, after);
  await sent();
  return pages.read(loaded.events);
}

/** What was asked for leaves at the end of the turn, and promises alone do not end one. */
function sent(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

class LogPages {
  readonly #store: Store;
  readonly #run: string;
  /** The seqs of the newest event that was read, that was asked for, and that there is. */
  #last: number;
  #asked: number;
  readonly #end: number;
  /** On their way, each with the seq that it ends with. */
  #coming: { readonly page: Promise<Page>; readonly to: number }[] = [];

  constructor(store: Store, { record, events }: LoadedRun, after: number) {
    this.#store = store;
    this.#run = record.id;
    this.#last = events.at(-1)?.seq ?? after;
    this.#asked = this.#last;
    this.#end = record.seq;
    this.#ask();
  }

  async *read(first: Page): AsyncGenerator<Page, void, undefined> {
    this.#endOf(first, (first[0]?.seq ?? 0) - 1);
    yield first;
    // Not with the one before: Redis answers two that it gets together when both are made.
    this.#ask();
    for (let next = this.#coming.shift(); next !== undefined; next = this.#coming.shift()) {
      const page = await next.page;
      if (page.length === 0) throw hole(this.#run, this.#last + 1);
      this.#last = this.#endOf(page, this.#last);
      if (this.#last < next.to) {
        // It ends too soon, so those behind it do not follow it.
        this.#coming = [];
        this.#asked = this.#last;
        this.#ask();
      }
      this.#ask();
      await sent();
      yield page;
    }
  }

  /** The seq of the last event of a page that begins behind `after`. */
  #endOf(page: Page, after: number): number {
    let seq = after;
    for (const event of page) {
      seq += 1;
      if (event.seq !== seq) throw hole(this.#run, seq);
    }
    return seq;
  }

  #ask(): void {
    if (this.#asked >= this.#end) return;
    const limit = Math.min(fixedLimits.eventsPerReplay, this.#end - this.#asked);
    const page = this.#store.events({ run: this.#run, after: this.#asked, limit });
    // Whoever stops at a corrupt event does not wait for it.
    page.catch(() => undefined);
    this.#asked += limit;
    this.#coming.push({ page, to: this.#asked });
  }
}
