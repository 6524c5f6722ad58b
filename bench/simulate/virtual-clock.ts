/** A clock for a simulation: time goes on to the next timer when nothing is left to do, so that an hour takes seconds. */
import type { Clock } from '../../src/core/clock.ts';

interface Timer {
  readonly at: number;
  /** Of two at the same time, the one that was set first rings first. */
  readonly order: number;
  readonly ring: () => void;
}

export class VirtualClock implements Clock {
  /** A heap: the next timer is the first. */
  readonly #timers: Timer[] = [];
  #now = 0;
  #order = 0;

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      this.#set(this.#now + Math.max(0, ms), resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  afterTurn(then: () => void): void {
    this.#set(this.#now, then);
  }

  soon(ms: number, then: () => void): () => void {
    let isWanted = true;
    this.#set(this.#now + ms, () => {
      if (isWanted) then();
    });
    return () => {
      isWanted = false;
    };
  }

  repeat(task: () => Promise<number>): () => Promise<void> {
    const stopped = new AbortController();
    const loop = (async () => {
      while (!stopped.signal.aborted) await this.sleep(await task());
    })();
    return () => {
      stopped.abort('over');
      return loop;
    };
  }

  /** Lets time go on until then; everything that is due before it has happened, and what followed from it. */
  async runUntil(ms: number): Promise<void> {
    for (;;) {
      // All promises that can go on do so before the next timer rings.
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#timers;
      if (next === undefined || next.at > ms) break;
      this.#now = next.at;
      while (this.#timers[0]?.at === this.#now) this.#take()?.ring();
    }
    this.#now = ms;
  }

  #set(at: number, ring: () => void): void {
    const timers = this.#timers;
    let place = timers.push({ at, order: this.#order++, ring }) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.#isBefore(place, above)) break;
      this.#swap(place, above);
      place = above;
    }
  }

  #take(): Timer | undefined {
    const timers = this.#timers;
    const first = timers[0];
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return first;
    timers[0] = last;
    for (let place = 0; ;) {
      let least = place;
      for (const below of [2 * place + 1, 2 * place + 2]) {
        if (below < timers.length && this.#isBefore(below, least)) least = below;
      }
      if (least === place) return first;
      this.#swap(place, least);
      place = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#timers[a], this.#timers[b]];
    if (one === undefined || other === undefined) return false;
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#timers[a], this.#timers[b]];
    if (one === undefined || other === undefined) return;
    this.#timers[a] = other;
    this.#timers[b] = one;
  }
}
