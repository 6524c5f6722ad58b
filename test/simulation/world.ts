/**
 * Time, chance and life in the simulation. One event happens at a time; between two of them everything that follows from
 * the first comes to rest. Nothing in here knows the real time or real chance, so a seed decides the whole history.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';

interface Event {
  /** Microseconds. */
  at: number;
  readonly order: number;
  readonly life: Life | undefined;
  readonly fire: () => void;
}

/** A process of the simulation: whatever it has in mind happens late while it is frozen, and never once it is dead. */
export interface Life {
  readonly name: string;
  alive: boolean;
  frozenUntil: number;
}

const startedAt = 1_900_000_000_000_000;

export class World {
  /** Microseconds since 1970. */
  micros = startedAt;
  #order = 0;
  #state: number;
  /** A heap: the first to happen is at the front. */
  readonly #events: Event[] = [];

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 1 (mulberry32). */
  readonly random = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1));
  }

  /** One of them; undefined when there is none. */
  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)];
  }

  get ms(): number {
    return (this.micros - startedAt) / 1000;
  }

  /** Lets something happen, to a life or to the world. */
  after(ms: number, fire: () => void, life?: Life): void {
    this.#order += 1;
    this.#push({
      at: this.micros + Math.max(0, Math.round(ms * 1000)),
      order: this.#order,
      life,
      fire,
    });
  }

  /** Lets the next event happen, and waits until its consequences have come to rest. */
  async step(): Promise<void> {
    const event = this.#pop();
    if (event === undefined) throw new Error('nothing happens any more in the simulation');
    this.micros = Math.max(this.micros, event.at);
    const { life } = event;
    if (life !== undefined) {
      if (!life.alive) return;
      if (life.frozenUntil > this.micros) {
        event.at = life.frozenUntil;
        this.#push(event);
        return;
      }
    }
    event.fire();
    await turn();
  }

  #push(event: Event): void {
    const events = this.#events;
    let place = events.push(event) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(event, events[above])) break;
      events[place] = events[above] as Event;
      place = above;
    }
    events[place] = event;
  }

  #pop(): Event | undefined {
    const events = this.#events;
    const [first] = events;
    const last = events.pop();
    if (first === undefined || last === undefined || events.length === 0) return first;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= events.length) break;
      if (isBefore(events[below + 1], events[below])) below += 1;
      if (!isBefore(events[below], last)) break;
      events[place] = events[below] as Event;
      place = below;
    }
    events[place] = last;
    return first;
  }
}

function isBefore(a: Event | undefined, b: Event | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** The clock of one process. */
export function clockOf(world: World, life: Life): Clock {
  const clock: Clock = {
    now: () => Math.floor(world.micros / 1000),
    monotonic: () => world.ms,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const finish = (): void => {
          signal?.removeEventListener('abort', finish);
          resolve();
        };
        world.after(ms, finish, life);
        signal?.addEventListener('abort', finish, { once: true });
      }),
    afterTurn: (then) => world.after(0, then, life),
    soon: (ms, then) => {
      let isWanted = true;
      world.after(ms, () => isWanted && then(), life);
      return () => {
        isWanted = false;
      };
    },
    repeat: (task) => {
      const stopped = new AbortController();
      const loop = (async () => {
        while (!stopped.signal.aborted) await clock.sleep(await task(), stopped.signal);
      })();
      return () => {
        stopped.abort();
        return loop;
      };
    },
  };
  return clock;
}
