/**
 * A clock for how long nothing may come of a run. It counts only while this process is given a processor: on a machine that
 * is busy with other things, nothing comes of anything, and that is no fault of the programs.
 */
const tickMs = 50;

export class Patience {
  #ms = 0;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let before = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      // A tick that comes late counts as one.
      this.#ms += Math.min(now - before, tickMs);
      before = now;
    }, tickMs);
  }

  /** Milliseconds at work since it was made. */
  get now(): number {
    return this.#ms;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
