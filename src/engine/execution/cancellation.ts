/**
 * A run that is being cancelled. The handler learns it once: whatever it waits for, or begins next, throws; its signal
 * fires. What it does afterwards, in `catch` and `finally`, works as ever, so that it can clean up, for a bounded time.
 */
import { RunError } from '../../core/errors.ts';
import type { CancelRequest } from '../../core/event.ts';
import { LazySignal } from '../signals.ts';

export class Cancellation {
  readonly #run: string;
  readonly #lost: LazySignal;
  readonly #told = new LazySignal();
  /** The handler has ended. */
  readonly #over = new LazySignal();
  #requested: RunError | undefined;
  #isDelivered = false;
  /** For clean-up: is not ended by what it cleans up after. Made when there is one. */
  #cleaning: LazySignal | undefined;

  constructor(run: string, lost: LazySignal) {
    this.#run = run;
    this.#lost = lost;
    lost.leads(this.#told);
  }

  /** Ends when the run is lost, is being cancelled, or the handler has ended. */
  get signal(): AbortSignal {
    return this.#told.signal;
  }

  get isRequested(): boolean {
    return this.#requested !== undefined;
  }

  /** Takes a request; the first one counts. */
  request(request: CancelRequest): RunError {
    if (this.#requested === undefined) {
      this.#requested = cancelError(this.#run, request);
      this.#told.abort(this.#requested);
    }
    return this.#requested;
  }

  /** The signal for work that begins now: clean-up is not ended by what it cleans up after. */
  current(): LazySignal {
    if (!this.#isDelivered) return this.#told;
    if (this.#cleaning === undefined) {
      this.#cleaning = new LazySignal();
      this.#lost.leads(this.#cleaning);
      this.#over.leads(this.#cleaning);
    }
    return this.#cleaning;
  }

  /** The handler has ended: bodies that are still at work are to come to an end. */
  end(reason: Error): void {
    this.#over.abort(reason);
    this.#told.abort(reason);
  }

  /** The handler has been told. */
  deliver(): void {
    this.#isDelivered = true;
  }

  /** Tells the handler, if it must be and has not been. */
  check(): void {
    if (this.#requested === undefined || this.#isDelivered) return;
    this.#isDelivered = true;
    throw this.#requested;
  }
}

/** What the handler of a cancelled run is told. */
export function cancelError(run: string, { reason }: CancelRequest): RunError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new RunError('PAWL_RUN_CANCELLED', run, `Run ${run} is being cancelled${why}.`);
}
