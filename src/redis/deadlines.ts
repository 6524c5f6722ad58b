/**
 * The time calls may take, watched with one timer for all of them: a timer for each would cost a tenth of the call.
 *
 * All calls of a connection may take equally long, so they stand here in the order in which their time ends. A call whose
 * time is over is rejected; its answer may still come, and then nobody listens.
 */

interface Call {
  reject(error: Error): void;
}

export class Deadlines {
  /** When the time of each call ends. */
  readonly #ends = new Map<Call, number>();
  #timer: NodeJS.Timeout | undefined;

  /** Rejects the call after so many milliseconds, counted from the first time it was sent. */
  add(call: Call, ms: number): void {
    if (this.#ends.has(call)) return;
    this.#ends.set(call, performance.now() + ms);
    if (this.#timer === undefined) this.#expireIn(ms);
  }

  /** The call has been answered. */
  delete(call: Call): void {
    this.#ends.delete(call);
  }

  #expireIn(ms: number): void {
    // A socket keeps the process alive while an answer is owed; this need not.
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(ms)).unref();
  }

  #expire(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [call, end] of this.#ends) {
      if (end > now) {
        this.#expireIn(end - now);
        return;
      }
      this.#ends.delete(call);
      call.reject(new Error('Command timed out'));
    }
  }
}
