/**
 * A clock that stands still until a test moves it, so that "sleep three days" takes a millisecond.
 *
 * Three kinds of times are waited for:
 *
 * - *timers*, from `sleep`: each is fired at its time, in order, and the engine comes to rest before time moves on. What
 *   it begins then gets its own times from there: three sleeps of a day are over after three days, not after one.
 * - *appointments* of what the clock follows: a run that waits is due at a time which only its store knows.
 * - *periodic tasks*, from `repeat`: beats and sweeps. Nothing is due because of them, so they are not run millions of
 *   times. Between two stops at a timer or an appointment each runs a few times as usual, which is all that is needed to
 *   notice a dead worker; then time leaps to the next stop, and each runs once there. The one with the longest pause goes
 *   first: beats come before looks, so no session ends because time leapt.
 *
 * What takes real time (a file, a network) is not waited for; a test awaits it by itself.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import { type Duration, toMilliseconds } from '../core/duration.ts';

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

interface Periodic {
  nextAt: number;
  pauseMs: number;
  /** Calls since the last stop. */
  calls: number;
  isAtWork: boolean;
  readonly begin: () => void;
}

/** Calls of a periodic task between two stops: a worker is missed twice before it counts as lost, and then attended to. */
const callsPerGap = 5;
/** So many turns of the event loop without a sign of life, and the engine is at rest. */
const quietTurns = 12;
/** Something that never comes to rest must not hang a test without a word. */
const turnsMax = 100_000;

/** A clock that stands still until a test moves it with `advance`. */
export class ManualClock implements Clock {
  readonly #startedAt: number;
  #now: number;
  readonly #timers = new Set<Timer>();
  readonly #tasks = new Set<Periodic>();
  readonly #appointments = new Set<() => number | undefined>();
  /** Grows with everything that the engine does to the clock. */
  #activity = 0;
  #moving: Promise<unknown> = Promise.resolve();

  /** Begins at `start`, by default on 1 January 2030. */
  constructor(start: Date | number = Date.UTC(2030, 0, 1)) {
    this.#startedAt = Math.round(Number(start));
    this.#now = this.#startedAt;
  }

  /** The time of the test, in milliseconds since 1970. */
  now(): number {
    return this.#now;
  }

  /** Milliseconds that the test has let pass since the clock was made. */
  monotonic(): number {
    return this.#now - this.#startedAt;
  }

  /** Resolves when the test has moved the clock by `ms`, or when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#activity += 1;
    if (signal?.aborted === true) return Promise.resolve();
    // Without a length it is only a moment for others, which needs no time.
    if (ms <= 0) return turn();
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#activity += 1;
        this.#timers.delete(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = { at: this.#now + Math.ceil(ms), fire: finish };
      this.#timers.add(timer);
      signal?.addEventListener('abort', finish, { once: true });
    });
  }

  /** Calls back after one turn of the real event loop. */
  afterTurn(then: () => void): void {
    setImmediate(then);
  }

  /** Calls back after `ms` of real time, whatever the clock shows; the function returned stops it. */
  soon(ms: number, then: () => void): () => void {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  }

  /** Calls `task` again and again as the clock moves, each time after as many milliseconds as it returned. */
  repeat(task: () => Promise<number>): () => Promise<void> {
    let work: Promise<void> = Promise.resolve();
    const call = async (): Promise<void> => {
      try {
        periodic.pauseMs = Math.max(1, Math.ceil(await task()));
      } finally {
        periodic.nextAt = this.#now + periodic.pauseMs;
        periodic.isAtWork = false;
      }
    };
    const periodic: Periodic = {
      nextAt: this.#now,
      pauseMs: 1,
      calls: 0,
      isAtWork: false,
      begin: () => {
        if (periodic.isAtWork) return;
        this.#activity += 1;
        periodic.isAtWork = true;
        periodic.calls += 1;
        work = call();
      },
    };
    this.#tasks.add(periodic);
    periodic.begin();
    return () => {
      this.#tasks.delete(periodic);
      return work;
    };
  }

  /**
   * Stops at these times, too: `next` tells the nearest one, undefined when there is none; times that are over are passed
   * by. `openInMemory` lets its clock follow its store. The function returned ends it.
   */
  follow(next: () => number | undefined): () => void {
    this.#appointments.add(next);
    return () => this.#appointments.delete(next);
  }

  /**
   * Moves time forward, stop by stop, and resolves when the engine is at rest at the new time. Calls follow one another.
   * @throws InvalidError when `duration` is not one.
   */
  advance(duration: Duration): Promise<void> {
    const ms = toMilliseconds(duration, 'advance');
    return this.#move(async () => {
      const until = this.#now + ms;
      await this.#rest();
      while (this.#now < until) await this.#goTo(Math.min(this.#nextStop(), until));
    });
  }

  /** Moves time to the next stop; false, with time where it is, when nobody waits for any. */
  advanceToNext(): Promise<boolean> {
    return this.#move(async () => {
      await this.#rest();
      const before = this.#now;
      for (let stop = this.#nextStop(); stop < Infinity; stop = this.#nextStop()) {
        await this.#goTo(stop);
        if (this.#now === stop) break;
      }
      return this.#now > before;
    });
  }

  /** Resolves when the engine is at rest at the time it is. */
  settle(): Promise<void> {
    return this.#move(() => this.#rest());
  }

  #move<T>(move: () => Promise<T>): Promise<T> {
    const moved = this.#moving.then(move);
    this.#moving = moved.catch(() => undefined);
    return moved;
  }

  /** The nearest time somebody waits for; Infinity when there is none. */
  #nextStop(): number {
    let nearest = Infinity;
    for (const { at } of this.#timers) nearest = Math.min(nearest, at);
    for (const next of this.#appointments) {
      const at = next() ?? Infinity;
      if (at > this.#now) nearest = Math.min(nearest, at);
    }
    return nearest;
  }

  /** Moves to a time at or before the next stop. What begins on the way and is due earlier is stopped at instead. */
  async #goTo(stop: number): Promise<void> {
    for (const task of this.#tasks) task.calls = 0;
    for (;;) {
      const task = this.#nextTask();
      if (task === undefined || task.nextAt >= stop) break;
      this.#now = Math.max(this.#now, task.nextAt);
      task.begin();
      await this.#rest();
      if (this.#nextStop() < stop) return;
    }
    this.#now = stop;
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      // A timer of the same time may have ended this one.
      if (timer.at <= stop && this.#timers.has(timer)) {
        timer.fire();
        await this.#rest();
      }
    }
    for (const task of [...this.#tasks].sort((a, b) => b.pauseMs - a.pauseMs)) {
      if (!this.#tasks.has(task)) continue;
      task.begin();
      await this.#rest();
    }
  }

  /** The periodic task that is due first, of those that have not had their calls of this gap. */
  #nextTask(): Periodic | undefined {
    return [...this.#tasks]
      .filter(({ calls, isAtWork }) => calls < callsPerGap && !isAtWork)
      .sort((a, b) => a.nextAt - b.nextAt)[0];
  }

  /** Lets everything happen that can happen without time. */
  async #rest(): Promise<void> {
    let quiet = 0;
    for (let turns = 0; quiet < quietTurns; turns++) {
      if (turns > turnsMax)
        throw new Error('The engine does not come to rest: something never stops.');
      const before = this.#activity;
      await turn();
      quiet = before === this.#activity ? quiet + 1 : 0;
    }
  }
}
