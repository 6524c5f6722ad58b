/**
 * What counts against a run when its worker dies.
 *
 * A dead worker takes all its runs with it, and one of them may have killed it. Suspicion falls on those that had made no
 * progress since their claim. It is evidence when there was one alone: then nothing else is left that could have done it.
 * Only evidence sets a run aside, and the next progress wipes out all of it.
 *
 *   progress ◀── an event that takes the run further, or more events of its own than any execution before it had
 *   suspicion ── no progress when its worker died: from the second time on it is executed in turn (crash-isolation.ts)
 *   evidence ─── suspicion, and no other run of the worker was without progress
 *
 * A run that writes something, dies, and writes the same again makes no progress by that, however often it does so.
 */

/** Events after which a run need not go the same way again. */
const progressTypes: ReadonlySet<string> = new Set([
  'step.completed',
  'step.failed',
  'step.retried',
  'node.completed',
  'timer.set',
  'child.started',
  'child.ended',
]);

/** Of these namespaces are the events that come to a run without its doing. */
const othersEvent = /^(?:run|operator|signal)\./;

/** How far an execution has come, by its events since the claim. */
export class ExecutionProgress {
  /** Events of its own, up to the one that took it further. */
  #own = 0;
  #hasGoneOn = false;
  readonly #furthest: number;

  /** `furthest`: events of its own that an execution before this one had got to. */
  constructor(furthest: number) {
    this.#furthest = furthest;
  }

  /** Takes events that were committed. */
  add(events: Iterable<{ readonly type: string }>): void {
    for (const { type } of events) {
      if (this.#hasGoneOn) return;
      if (!othersEvent.test(type)) this.#own += 1;
      this.#hasGoneOn = progressTypes.has(type);
    }
  }

  /** Whether the run has made progress. */
  get isProven(): boolean {
    return this.#hasGoneOn || this.#own > this.#furthest;
  }

  /** What the executions after this one have to go beyond. */
  get furthest(): number {
    return Math.max(this.#furthest, this.#own);
  }
}
