/**
 * Where whole runs are played: somebody who starts runs and waits for their results, and a worker that executes them. Each
 * kind of bed has both in one process, and each of them alone.
 *
 * Raw is what one would write by hand: no fence, no recovery. BullMQ's processor saves its state with `updateData` after
 * each step, so that a stalled job goes on from there; it keeps no log.
 */
import { randomBytes } from 'node:crypto';
import { sharedClock } from '../timing.ts';

/** What a run does: the bytes of each step's result. Both sides know shapes by their names. */
export interface Shape {
  readonly name: string;
  readonly sizes: readonly number[];
}

export interface WorkerSetup {
  readonly url: string;
  readonly concurrency: number;
  /** A run is in its first step. */
  readonly begun: (id: string) => void;
}

export interface StartedRun {
  /** The caller knows that the run has ended. */
  readonly ended: Promise<unknown>;
}

export interface Caller {
  /** Resolves when the run is stored. */
  start(id: string, shape: string): Promise<StartedRun>;
  close(): Promise<void>;
}

export interface Hands {
  close(): Promise<void>;
}

export interface Bed {
  /** Caller and worker in this process, as in the smallest deployment. */
  both(setup: WorkerSetup): Promise<Caller>;
  /** A worker whose callers are elsewhere. */
  worker(setup: WorkerSetup): Promise<Hands>;
  /** A caller whose workers are elsewhere. */
  caller(url: string): Promise<Caller>;
}

export function newId(): string {
  return randomBytes(9).toString('base64url');
}

/** Starts runs at once; resolves when the caller knows of the end of each. */
export async function playMany(caller: Caller, shapes: readonly string[]): Promise<void> {
  const runs = await Promise.all(shapes.map((shape) => caller.start(newId(), shape)));
  await Promise.all(runs.map(({ ended }) => ended));
}

/** What somebody waits for, by the id of the run, and when it happened. */
export class Watch {
  readonly #waiting = new Map<string, (at: number) => void>();

  next(id: string): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  tell(id: string, at = sharedClock()): void {
    this.#waiting.get(id)?.(at);
    this.#waiting.delete(id);
  }
}
