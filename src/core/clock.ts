/** Time and timers as the engine sees them, so that a test can own both. */
export interface Clock {
  /** Milliseconds since 1970. Only for what people read; nothing is decided by it. */
  now(): number;
  /** Milliseconds of a clock that never jumps. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `then` when no promise that can go on is left: a turn of the event loop later. */
  afterTurn(then: () => void): void;
  /**
   * Calls `then` after `ms` of a process at work, also where a test lets the clock stand: for a bounded patience, of which
   * nothing is late. A freeze in between hardly counts. The function returned stops it.
   */
  soon(ms: number, then: () => void): () => void;
  /**
   * Calls `task` again and again, never two at a time, each time after as many milliseconds as it returned. The function
   * returned stops it and resolves when no call is at work.
   */
  repeat(task: () => Promise<number>): () => Promise<void>;
}
