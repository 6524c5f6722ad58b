/**
 * The workers of this process, for those in it who start runs and wait for their ends.
 *
 *   start ──▶ the first worker that has a place for the run makes and claims it
 *
 *   held ──its end is stored──▶ each who waits is told the end itself, and asks nobody
 *     └───── let go of ───────▶ each who waits looks into the store: it was parked, lost or handed back
 *
 * Nothing is decided by it. A worker may hold a run that was taken from it without its knowing, so who waits looks into the
 * store now and then all the same. Nothing of it is stored, so a crash leaves nothing.
 */
import type { Release } from '../core/release.ts';
import type { EndRecord } from '../core/run.ts';
import type { CreateOutcome, FirstClaim } from '../core/store.ts';

/** Called with the end of a run; without one when the run was let go of. */
export type Heard = (end: EndRecord | undefined) => void;

/**
 * Makes a run that a worker of this process claims in the same step. Undefined when it has no place, or something may hold
 * the run back: then `make` was not called. What that rejects with is what it rejects with.
 */
export type StartHere = (
  workflow: { readonly name: string },
  run: string,
  make: (claim: FirstClaim) => Promise<CreateOutcome>,
) => Promise<CreateOutcome> | undefined;

export class RunsHere {
  readonly #starters = new Set<StartHere>();
  /** By how many executions each run is held: one that was lost may be held beside the next one. */
  readonly #held = new Map<string, number>();
  readonly #listeners = new Map<string, Set<Heard>>();

  /** A worker may be asked to take runs, until the returned function is called. */
  offer(start: StartHere): () => void {
    this.#starters.add(start);
    return () => this.#starters.delete(start);
  }

  /** Asks one worker after the other. */
  start(...[workflow, run, make]: Parameters<StartHere>): ReturnType<StartHere> {
    for (const start of this.#starters) {
      const made = start(workflow, run, make);
      if (made !== undefined) return made;
    }
    return undefined;
  }

  isHeld(run: string): boolean {
    return this.#held.has(run);
  }

  hold(run: string): void {
    this.#held.set(run, (this.#held.get(run) ?? 0) + 1);
  }

  leave(run: string): void {
    const left = (this.#held.get(run) ?? 1) - 1;
    if (left > 0) this.#held.set(run, left);
    else this.#held.delete(run);
    this.#tell(run, undefined);
  }

  /** The last commit of an execution is stored. One that is no end is nothing to tell: the run is let go of next. */
  released(run: string, release: Release): void {
    const { status } = release;
    if (status === 'queued' || status === 'waiting') return;
    const output = 'output' in release ? release.output : undefined;
    const error = 'error' in release ? release.error : undefined;
    this.#tell(run, { status, output, error });
  }

  /** Calls `heard` until the returned function is called. */
  listen(run: string, heard: Heard): () => void {
    const listeners = this.#listeners.get(run) ?? new Set();
    this.#listeners.set(run, listeners);
    listeners.add(heard);
    return () => {
      listeners.delete(heard);
      if (listeners.size === 0 && this.#listeners.get(run) === listeners) {
        this.#listeners.delete(run);
      }
    };
  }

  #tell(run: string, end: EndRecord | undefined): void {
    const listeners = this.#listeners.get(run);
    if (listeners !== undefined) for (const heard of listeners) heard(end);
  }
}
