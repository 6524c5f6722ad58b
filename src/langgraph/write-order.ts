/**
 * The order of what one process writes to a thread, so that no acknowledged node runs again after a crash.
 *
 *   put(X) ──▶ writes to X ──▶ put(Y), whose parent is X
 *
 * LangGraph starts writes beside the puts. Three rules make one order of them:
 *
 * - A put waits until the writes to its parent, those that were called before it, are stored. When one of them fails, the
 *   put fails with it. So a checkpoint never hides that a write before it was lost.
 * - Writes are acknowledged when their checkpoint is there. A write may come before the put of its checkpoint was even
 *   called, since LangGraph chains the puts. A crash then leaves writes of a checkpoint that nobody will ever read, and
 *   their nodes run again; so they are not acknowledged before.
 * - A subgraph works for a step of the graph around it. Its writes wait for the puts around it as well: without the
 *   checkpoint of that step, the subgraph would begin anew.
 *
 * No two calls wait for each other. A put waits for writes to be stored, and those wait for a put only as long as there is
 * no thread. The parent of a put is stored before the put is called, so there is one.
 *
 * Nothing of it is kept: a crash at any point leaves a thread as its scripts have left it.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { detach } from '../core/detached.ts';

/** Says whether the checkpoint is there by now. */
type Look<T> = () => Promise<{ readonly isThere: boolean; readonly result: T }>;

interface Pending {
  readonly puts: Set<Promise<unknown>>;
  /** Checkpoint → writes to it that are not stored yet. */
  readonly writes: Map<string, Set<Promise<unknown>>>;
}

export class WriteOrder {
  /** By thread and namespace; those with nothing under way are not in it. */
  readonly #pending = new Map<string, Pending>();

  async put<T>(line: string, parent: string | undefined, put: () => Promise<T>): Promise<T> {
    const { puts, writes } = this.#line(line);
    const before = parent === undefined ? [] : [...(writes.get(parent) ?? [])];
    const done = Promise.all(before).then(put);
    puts.add(done);
    try {
      return await done;
    } finally {
      puts.delete(done);
      this.#leave(line);
    }
  }

  /**
   * `once` stores, or only looks when that is done; it is called again after each put that may bring the checkpoint, or lead
   * to it, until the checkpoint is there.
   */
  async write<T>(
    line: string,
    checkpoint: string,
    once: Look<T>,
    isStored: () => boolean,
  ): Promise<T> {
    const { writes } = this.#line(line);
    const ofOne = writes.get(checkpoint) ?? new Set();
    writes.set(checkpoint, ofOne);
    const storing = newHeld();
    ofOne.add(storing.promise);
    try {
      let { isThere, result } = await once();
      while (!isThere) {
        if (isStored()) storing.resolve();
        if (!(await this.#putsOf(line))) break;
        ({ isThere, result } = await once());
      }
      storing.resolve();
      return result;
    } catch (error) {
      storing.reject(error);
      throw error;
    } finally {
      ofOne.delete(storing.promise);
      if (ofOne.size === 0) writes.delete(checkpoint);
      this.#leave(line);
    }
  }

  /** Waits until no put is under way in a line. */
  async settled(line: string): Promise<void> {
    while (this.#pending.has(line) && (await this.#putsOf(line)));
  }

  /** Waits for the puts that are under way; false when there are none. */
  async #putsOf(line: string): Promise<boolean> {
    // The put that is chained behind the one that has just ended is called in this turn.
    await turn();
    const puts = [...(this.#pending.get(line)?.puts ?? [])];
    await Promise.allSettled(puts);
    return puts.length > 0;
  }

  #line(line: string): Pending {
    const known = this.#pending.get(line);
    if (known !== undefined) return known;
    const made: Pending = { puts: new Set(), writes: new Map() };
    this.#pending.set(line, made);
    return made;
  }

  #leave(line: string): void {
    const pending = this.#pending.get(line);
    if (pending?.puts.size === 0 && pending.writes.size === 0) this.#pending.delete(line);
  }
}

/** A promise that may be rejected while nobody waits for it. */
function newHeld(): {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
} {
  let resolve: () => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<void>((done, failed) => ([resolve, reject] = [done, failed]));
  detach(promise, () => undefined);
  return { promise, resolve, reject };
}
