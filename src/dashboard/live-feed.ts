/**
 * What happens to a run, for all the pages that are open on it: one reader of the log and one poll of the record each
 * second, however many people look. A page says which event it has, and gets the next ones, without a gap and without
 * one twice: from what the feed has kept, or from the log where that begins later.
 *
 * Should Redis come back with less than it had acknowledged, seqs come again; so they do to the pages.
 */
import { detach } from '../core/detached.ts';
import type { RunEvent } from '../core/event.ts';
import { isEnded, type RunStatus } from '../core/run.ts';
import { newAbortController } from '../engine/signals.ts';
import type { RunDetails } from '../engine/runs/run-info.ts';
import type { Pawl } from '../pawl.ts';
import { readEvents } from './reading.ts';

const keptMax = 500;
const pollMs = 1_000;

/** What a page is told. `changed`: the record is another one, or the steps at work are. */
export type News =
  | { readonly kind: 'event'; readonly event: RunEvent }
  | { readonly kind: 'changed' }
  | { readonly kind: 'end'; readonly status: RunStatus };

/** The feeds of one pawl, by runs: each lives as long as a page follows it. */
export class Feeds {
  readonly #pawl: Pawl;
  readonly #feeds = new Map<string, Feed>();

  constructor(pawl: Pawl) {
    this.#pawl = pawl;
  }

  /** News of a run from the event after `after`, until it has ended or `signal`. @throws what reading the run throws. */
  async *follow(
    id: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<News, void, undefined> {
    const pawl = this.#pawl;
    const feed = this.#feeds.get(id) ?? new Feed(pawl, id);
    this.#feeds.set(id, feed);
    feed.followers += 1;
    try {
      await feed.begun;
      // A page may have more than Redis has come back with.
      let at = Math.min(after, feed.last);
      let { changes } = feed;
      let rewinds = feed.rewinds.length;
      while (!signal.aborted) {
        at = Math.min(at, ...feed.rewinds.slice(rewinds));
        rewinds = feed.rewinds.length;
        const kept = feed.after(at);
        const events = kept ?? (await readEvents(pawl, await pawl.run(id).info(), at));
        for (const event of events) {
          at = event.seq;
          yield { kind: 'event', event };
        }
        // What stood there was compacted.
        if (kept === undefined && events.length === 0) at = feed.base;
        if (changes !== feed.changes) {
          ({ changes } = feed);
          yield { kind: 'changed' };
        } else if (feed.ended !== undefined && at >= feed.last) {
          yield { kind: 'end', status: feed.ended };
          return;
        } else if (events.length === 0) {
          feed.check();
          await feed.news(signal, { at, changes });
        }
      }
    } finally {
      feed.followers -= 1;
      if (feed.followers === 0) {
        this.#feeds.delete(id);
        feed.close();
      }
    }
  }
}

class Feed {
  followers = 0;
  /** Grows with each change of the record that is no event. */
  changes = 0;
  /** The status, once the run has ended. */
  ended: RunStatus | undefined;
  readonly begun: Promise<void>;
  /** The seq before the first that is kept. */
  base = 0;
  /** The seqs before those that came again, in the order of the rewinds. */
  readonly rewinds: number[] = [];
  readonly #pawl: Pawl;
  readonly #id: string;
  readonly #over = newAbortController();
  #kept: RunEvent[] = [];
  #stamp = '';
  #failure: unknown;
  #timer: NodeJS.Timeout | undefined;
  #wakeUps = new Set<() => void>();

  constructor(pawl: Pawl, id: string) {
    this.#pawl = pawl;
    this.#id = id;
    this.begun = this.#begin();
    this.begun.catch(() => undefined);
  }

  get last(): number {
    return this.#kept.at(-1)?.seq ?? this.base;
  }

  /** The events after this one, as far as they are kept; undefined when the log has to be asked. */
  after(seq: number): readonly RunEvent[] | undefined {
    if (seq < this.base) return undefined;
    return this.#kept.slice(Math.max(0, seq - this.base));
  }

  /** @throws what the reader of the log has failed with. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when there is something that a page which is there has not seen. */
  async news(
    signal: AbortSignal,
    seen: { readonly at: number; readonly changes: number },
  ): Promise<void> {
    if (this.last > seen.at || this.changes !== seen.changes || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#wakeUps.delete(wake);
        resolve();
      };
      this.#wakeUps.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  close(): void {
    this.#over.abort();
    clearTimeout(this.#timer);
  }

  async #begin(): Promise<void> {
    const run = await this.#pawl.run(this.#id).info();
    this.base = run.seq;
    this.#stamp = stampOf(run);
    detach(this.#read(run.seq), (error) => {
      this.#failure = error;
      this.#wake();
    });
    this.#pollLater();
  }

  async #read(after: number): Promise<void> {
    const run = this.#pawl.run(this.#id);
    for await (const event of run.events({ after, signal: this.#over.signal })) {
      if (event.seq <= this.last) {
        this.rewinds.push(event.seq - 1);
        this.base = event.seq - 1;
        this.#kept = [];
      }
      this.#kept.push(event);
      if (this.#kept.length > keptMax) {
        this.#kept = this.#kept.slice(-keptMax / 2);
        this.base = (this.#kept[0]?.seq ?? 1) - 1;
      }
      this.#wake();
    }
    if (this.#over.signal.aborted) return;
    await this.#poll();
    const { status } = await run.info();
    if (isEnded(status)) this.ended = status;
    this.#wake();
  }

  async #poll(): Promise<void> {
    const stamp = stampOf(await this.#pawl.run(this.#id).info());
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.changes += 1;
    this.#wake();
  }

  /** What cannot be read now is read the next time; the reader of the log tells when the run is gone. */
  #pollLater(): void {
    this.#timer = setTimeout(() => {
      detach(
        this.#poll().finally(() => {
          if (!this.#over.signal.aborted && this.ended === undefined) this.#pollLater();
        }),
        () => undefined,
      );
    }, pollMs);
  }

  #wake(): void {
    for (const wake of this.#wakeUps) wake();
  }
}

/** What of a record is seen on a page and may change without an event. */
function stampOf({
  status,
  paused,
  waits,
  worker,
  progress,
  atWork,
  wakeAt,
  chunks,
}: RunDetails): string {
  const isGiving = chunks > 0;
  return JSON.stringify([status, paused, waits, worker, progress, atWork, wakeAt, isGiving]);
}
