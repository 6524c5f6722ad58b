/**
 * A run that is being cancelled. The handler learns it once: whatever it waits for, or begins next, throws; its signal
 * fires. What it does afterwards, in `catch` and `finally`, works as ever, so that it can clean up, for a bounded time.
 */
import { RunError } from '../../core/errors.ts';
import type { CancelRequest } from '../../core/event.ts';
import { anySignal, newAbortController } from '../signals.ts';

export class Cancellation {
  readonly #run: string;
  readonly #controller = newAbortController();
  readonly #over = newAbortController();
  /** For clean-up: is not ended by what it cleans up after. */
  readonly #cleaning: AbortSignal;
  /** Ends when the run is lost, is being cancelled, or the handler has ended. */
  readonly signal: AbortSignal;
  #isDelivered = false;

  constructor(run: string, lost: AbortSignal) {
    this.#run = run;
    this.#cleaning = anySignal([lost, this.#over.signal]);
    this.signal = anySignal([this.#cleaning, this.#controller.signal]);
  }

  get isRequested(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Takes a request; the first one counts. */
  request({ reason }: CancelRequest): RunError {
    if (!this.isRequested) {
      const why = reason === undefined ? '' : `: ${reason}`;
      const message = `Run ${this.#run} is being cancelled${why}.`;
      this.#controller.abort(new RunError('PAWL_RUN_CANCELLED', this.#run, message));
    }
    return this.#controller.signal.reason as RunError;
  }

  /** The signal for work that begins now: clean-up is not ended by what it cleans up after. */
  current(): AbortSignal {
    return this.#isDelivered ? this.#cleaning : this.signal;
  }

  /** The handler has ended: bodies that are still at work are to come to an end. */
  end(reason: Error): void {
    this.#over.abort(reason);
  }

  /** The handler has been told. */
  deliver(): void {
    this.#isDelivered = true;
  }

  /** Tells the handler, if it must be and has not been. */
  check(): void {
    if (!this.isRequested || this.#isDelivered) return;
    this.#isDelivered = true;
    throw this.#controller.signal.reason;
  }
}
