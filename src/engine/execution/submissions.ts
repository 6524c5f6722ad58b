/**
 * What was submitted and is not on its way to the log yet, in order.
 *
 * Piggybacked events go along with the next commit and do not cause one. They are never dropped: what others want of a run
 * is noted even when the run itself is refused.
 */
import type { CheckpointMark } from '../../core/checkpoint.ts';
import type { NewEvent } from '../../core/event.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { CommitParams } from '../../core/store.ts';

export interface Submission {
  readonly events: readonly NewEvent[];
  /** Messages of the inbox that are among the events. */
  readonly taken: readonly string[];
  /** Goes along with the next commit, but does not cause one. */
  readonly isPiggyback: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface SubmitOptions {
  /** Ids of messages of the inbox that are among the events. */
  readonly taken?: readonly string[];
  /** It is no doing of the handler. */
  readonly isOthers?: boolean;
}

/** A checkpoint that waits for the next snapshot. */
export interface PendingCheckpoint {
  readonly mark: CheckpointMark;
  /** With the checkpoint's id. */
  readonly resolve: (id: string) => void;
  readonly reject: (error: unknown) => void;
}

/** A commit that is under way. */
export interface SentBatch {
  readonly params: CommitParams;
  /** Who is told when it is stored. */
  readonly batch: readonly Submission[];
  readonly checkpoints: readonly PendingCheckpoint[];
  readonly beganAt: number;
  readonly isLeaving: boolean;
}

export class Submissions {
  #all: Submission[] = [];
  /** How many of them cause a commit. */
  #wanted = 0;

  /** Something is there that causes a commit. */
  get isWanted(): boolean {
    return this.#wanted > 0;
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  add(submission: Submission): void {
    this.#all.push(submission);
    if (!submission.isPiggyback) this.#wanted += 1;
  }

  /** As many of the first as one commit may have, by their number and their bytes. */
  takeBatch(): Submission[] {
    let events = 0;
    let bytes = 0;
    let count = 0;
    for (const submission of this.#all) {
      events += submission.events.length;
      for (const event of submission.events) bytes += event.data.length;
      const full = events > fixedLimits.eventsPerCommit || bytes > fixedLimits.bytesPerCommit;
      if (full && count > 0) break;
      count += 1;
    }
    const batch = this.#all.splice(0, count);
    for (const { isPiggyback } of batch) if (!isPiggyback) this.#wanted -= 1;
    return batch;
  }

  /** All of them, of which none causes a commit. */
  takePiggybacks(): Submission[] {
    return this.#all.splice(0);
  }

  /** They were taken, and not stored: they come before the others again. */
  putBack(piggybacks: readonly Submission[]): void {
    this.#all.unshift(...piggybacks);
  }

  /** Nothing of what was taken as `batch`, or is here, can be stored but piggybacks. Returns the rest. */
  refuse(batch: readonly Submission[]): Submission[] {
    const all = [...batch, ...this.#all];
    this.#all = all.filter(({ isPiggyback }) => isPiggyback);
    this.#wanted = 0;
    return all.filter(({ isPiggyback }) => !isPiggyback);
  }

  clear(): void {
    this.#all = [];
    this.#wanted = 0;
  }
}

/** The messages that these take out of the inbox. */
export function takenBy(batch: readonly Submission[]): readonly string[] {
  const [first] = batch;
  if (first !== undefined && batch.length === 1) return first.taken;
  return batch.flatMap(({ taken }) => taken);
}

/** Nearly always there is one submission, and nothing to put together. */
export function eventsOf(batch: readonly Submission[]): readonly NewEvent[] {
  const [first] = batch;
  if (first !== undefined && batch.length === 1) return first.events;
  return batch.flatMap(({ events }) => events);
}
