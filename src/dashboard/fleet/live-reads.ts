/**
 * What pages that are open show, read again and again: by one reader for the whole process, however many pages there are
 * and whatever they ask for. Pages that ask for the same share one reading. Different ones are read in turns, so many
 * different pages get their news later, and the store is not asked more often.
 */
import { detach } from '../../core/detached.ts';
import { newAbortController } from '../../engine/signals.ts';

/** The reader makes one reading in this time, at most. */
export const turnMs = 250;

export interface LiveRead<Data> {
  /** The same name is the same reading. */
  readonly name: string;
  readonly everyMs: number;
  read(): Promise<Data>;
}

/** What a page is told. `lost`: what it shows could not be read again. */
export type Reading<Data> =
  | { readonly kind: 'read'; readonly data: Data; readonly number: number; readonly made: Made }
  | { readonly kind: 'lost' };

/** What was made of a reading, for pages that are made in the same way. */
export class Made {
  readonly #made = new Map<string, Promise<string>>();

  for(name: string, make: () => Promise<string>): Promise<string> {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(name, made);
    return made;
  }
}

export class LiveReads {
  readonly #shared = new Map<string, SharedRead>();
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;

  /** Each reading that follows, until `signal`. */
  async *follow<Data>(
    what: LiveRead<Data>,
    signal: AbortSignal,
  ): AsyncGenerator<Reading<Data>, void, undefined> {
    const shared = this.#shared.get(what.name) ?? new SharedRead(what);
    this.#shared.set(what.name, shared);
    shared.followers += 1;
    this.#later();
    const gone = newAbortController();
    const stop = (): void => gone.abort();
    signal.addEventListener('abort', stop);
    try {
      for (let seen = 0; !signal.aborted;) {
        if (shared.number === seen) await shared.next(gone.signal);
        if (signal.aborted || shared.number === seen) continue;
        seen = shared.number;
        if (shared.last !== undefined) yield shared.last as Reading<Data>;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      shared.followers -= 1;
      if (shared.followers === 0) this.#shared.delete(what.name);
    }
  }

  /** Ends by itself when nobody follows any more. */
  #later(): void {
    if (this.#timer !== undefined || this.#isReading || this.#shared.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isReading = true;
      const over = (): void => {
        this.#isReading = false;
        this.#later();
      };
      detach(this.#turn().finally(over), () => undefined);
    }, turnMs);
  }

  /** The one that has waited longest beyond its time. */
  async #turn(): Promise<void> {
    const now = performance.now();
    const late = [...this.#shared.values()].filter(({ dueAt }) => dueAt <= now);
    late.sort((a, b) => a.dueAt - b.dueAt);
    await late[0]?.readNow();
  }
}

class SharedRead {
  followers = 0;
  /** Grows with each reading. */
  number = 0;
  dueAt = 0;
  last: Reading<unknown> | undefined;
  readonly #what: LiveRead<unknown>;
  readonly #wakeUps = new Set<() => void>();

  constructor(what: LiveRead<unknown>) {
    this.#what = what;
  }

  async readNow(): Promise<void> {
    const number = this.number + 1;
    try {
      const data = await this.#what.read();
      this.last = { kind: 'read', data, number, made: new Made() };
    } catch {
      this.last = { kind: 'lost' };
    }
    this.number = number;
    this.dueAt = performance.now() + this.#what.everyMs;
    for (const wake of this.#wakeUps) wake();
  }

  /** Resolves when there is another reading, or the follower is gone. */
  async next(gone: AbortSignal): Promise<void> {
    if (gone.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        gone.removeEventListener('abort', wake);
        this.#wakeUps.delete(wake);
        resolve();
      };
      this.#wakeUps.add(wake);
      gone.addEventListener('abort', wake);
    });
  }
}
