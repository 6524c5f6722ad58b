/**
 * The short way of a wake-up: to a consumer of the same process, without a job in between.
 *
 *   sent ──a consumer here has room──▶ looked: queue paused? others wait? same at work? ──no──▶ handed to the consumer
 *     │                                              │
 *     └──────────────────── else ────────────────────┴──▶ a job of BullMQ
 *
 * A wake-up is a hint. If the process dies before the claim, the run is still due, and the sweeper sends another one: just
 * as for a job that was taken and not handled. So the short way adds no state that a crash could leave behind.
 *
 * What holds a job back holds a wake-up back here, too:
 * - The queue is asked after the wake-up was sent. One that a person has paused, or in which others wait, gets a job.
 * - Wake-ups with a priority, with losses, or that are sent again, are jobs. So are all of a workflow with a rate.
 * - One wake-up is handled once at a time. The same one, sent meanwhile, becomes a job when the first is done.
 * - Handlers at work never exceed the concurrency. BullMQ's own share becomes smaller by each that goes the short way,
 *   and one place stays BullMQ's. A job that BullMQ had fetched before waits for a place.
 * - Most places stay with the queue, so that the runs of one busy caller spread over all workers.
 */
import type { Worker } from 'bullmq';
import type { WakeUp } from '../core/queue.ts';

/** One of so many places of a consumer may be taken by the short way. */
const shareOfPlaces = 4;

/** A queue that holds wake-ups back will do so for a while; a run that was claimed for nothing is handed back. */
const heldBackMs = 200;

/** The places of one consumer for the handlers of one workflow. */
export class Places {
  readonly #concurrency: number;
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #worker: Pick<Worker, 'concurrency'> | undefined;
  #atWork = 0;
  #short = 0;
  #isClosed = false;
  #heldBackAt = -Infinity;

  constructor(concurrency: number, isPaced: boolean) {
    this.#concurrency = concurrency;
    // Of a single place nothing is left to share.
    const share = Math.ceil(concurrency / shareOfPlaces);
    this.#most = isPaced ? 0 : Math.min(share, concurrency - 1);
  }

  /** BullMQ's worker, whose share of the places is kept in step. */
  serve(worker: Pick<Worker, 'concurrency'>): void {
    this.#worker = worker;
  }

  /** A place for a job that BullMQ has fetched; the work waits until there is one. */
  async forJob<T>(work: () => Promise<T>): Promise<T> {
    while (this.#atWork >= this.#concurrency) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#atWork += 1;
    try {
      return await work();
    } finally {
      this.#atWork -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** A place for the short way, to be left again; false when there is none. */
  take(): boolean {
    const isFull = this.#short >= this.#most || this.#atWork + 1 >= this.#concurrency;
    if (isFull || this.#isClosed) return false;
    this.#atWork += 1;
    this.#setShort(this.#short + 1);
    return true;
  }

  /** As `take`, for a run that is about to be made. Not for a while after the queue was found to hold wake-ups back. */
  takeNew(): boolean {
    return performance.now() - this.#heldBackAt > heldBackMs && this.take();
  }

  /** What a look at the queue has found; returns it. */
  found(isClear: boolean): boolean {
    if (!isClear) this.#heldBackAt = performance.now();
    return isClear;
  }

  leave(): void {
    this.#atWork -= 1;
    this.#setShort(this.#short - 1);
    this.#waiting.shift()?.();
  }

  /** Nothing goes the short way any more. */
  close(): void {
    this.#isClosed = true;
  }

  #setShort(count: number): void {
    this.#short = count;
    if (this.#worker !== undefined) this.#worker.concurrency = this.#concurrency - count;
  }
}

/** Wake-ups of this kind may go the short way. */
export function isPlain({ priority = 0, losses }: WakeUp): boolean {
  return priority === 0 && losses === 0;
}
