/**
 * When a snapshot is taken: when replaying what came after the last one would cost more than the budget, when a checkpoint
 * is to be kept, and when the run is handed back.
 *
 * A snapshot covers the whole fold. It must only be taken for a commit after which the log is where the fold is: that is
 * the caller's promise, and `take` checks it.
 */
import type { CheckpointMark } from '../../core/checkpoint.ts';
import type { NewEvent } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import { isSnapshotDue } from '../../core/policy.ts';
import type { SnapshotDelta } from '../../core/store.ts';
import type { Snapshotter } from './snapshotter.ts';

export class SnapshotSchedule {
  readonly #snapshotter: Snapshotter;
  readonly #budgetMs: number;
  #events: number;
  #bytes: number;
  #reduceMs = 0;
  #lastBytes = 0;
  #isStopped = false;
  /** The commit that is under way has a snapshot, which covers its events. */
  #isCovered = false;

  /** `tail`: events already in the log after the last snapshot, and their bytes. */
  constructor(options: {
    readonly snapshotter: Snapshotter;
    readonly budgetMs: number;
    readonly tail: { readonly events: number; readonly bytes: number };
  }) {
    this.#snapshotter = options.snapshotter;
    this.#budgetMs = options.budgetMs;
    this.#events = options.tail.events;
    this.#bytes = options.tail.bytes;
  }

  /** Reducers took so long. */
  reduced(ms: number): void {
    this.#reduceMs += ms;
  }

  /** These events are in the log. */
  stored(events: readonly NewEvent[]): void {
    const isCovered = this.#isCovered;
    this.#isCovered = false;
    if (isCovered) return;
    for (const event of events) this.#bytes += event.data.length;
    this.#events += events.length;
  }

  /** No snapshot is taken any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * The snapshot that goes along with a commit of these events, after which the log ends at `upTo`; if one is to.
   * @throws LimitError when the state is too large.
   */
  take(
    fold: Fold,
    params: {
      readonly events: readonly NewEvent[];
      readonly upTo: number;
      readonly marks: readonly CheckpointMark[];
      readonly isLeaving: boolean;
    },
  ): SnapshotDelta | undefined {
    const { upTo, marks, isLeaving } = params;
    if (this.#isStopped) return undefined;
    const events = this.#events + params.events.length;
    let bytes = this.#bytes;
    for (const event of params.events) bytes += event.data.length;
    const tail = { events, bytes, reduceMs: this.#reduceMs };
    const options = { budgetMs: this.#budgetMs, lastSnapshotBytes: this.#lastBytes };
    const isWanted = marks.length > 0 || (isLeaving && events > 0);
    if (!isWanted && !isSnapshotDue(tail, options)) return undefined;
    if (fold.seq !== upTo) {
      throw new Error(
        `A snapshot at ${fold.seq} would be ahead of the log, which ends at ${upTo}.`,
      );
    }
    const { delta, bytes: written } = this.#snapshotter.delta(fold);
    this.#lastBytes = written;
    this.#isCovered = true;
    this.#events = 0;
    this.#bytes = 0;
    this.#reduceMs = 0;
    if (marks.length === 0) return delta;
    return { ...delta, checkpoints: { marks, bytes: this.#snapshotter.size } };
  }
}
