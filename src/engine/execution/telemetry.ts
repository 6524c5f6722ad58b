/** What is told of one execution of a run, on the channels of diagnostics.ts and to a tracer if there is one. */
import type { CommitParams, Release, Takeover } from '../../core/store.ts';
import type { ExecutionTrace, TracedStep } from '../../core/tracing.ts';
import { isHeard, type Tell } from '../diagnostics.ts';
import type { ExecutionServices } from './services.ts';

/** Why a worker has lost the right to write to a run. */
export type Loss =
  | 'fenced'
  | 'deleted'
  | 'rewound'
  | 'closed'
  | 'handed-back'
  | 'parked'
  | 'damaged';

interface Executed {
  readonly run: string;
  readonly workflow: string;
  readonly worker: string;
  readonly fence: number;
}

export class ExecutionTelemetry {
  readonly about: Executed;
  readonly #clock: ExecutionServices['clock'];
  readonly #tell: Tell;
  readonly #wokenAt: number;
  #trace: ExecutionTrace | undefined;

  /** `wokenAt`: when the wake-up came, on the monotonic clock. */
  constructor(
    about: Executed,
    { clock, tell }: Pick<ExecutionServices, 'clock' | 'tell'>,
    wokenAt: number,
  ) {
    this.about = about;
    this.#clock = clock;
    this.#tell = tell;
    this.#wokenAt = wokenAt;
  }

  claimed(found: {
    readonly claimMs: number;
    readonly replayMs: number;
    readonly replayedEvents: number;
    readonly takeover: Takeover | undefined;
  }): void {
    this.#tell('run:claimed', () => ({ ...this.about, ...found }));
  }

  /** From here on handler and steps are called within the trace. */
  traceAs(trace: ExecutionTrace): void {
    this.#trace = trace;
  }

  callHandler<T>(call: () => T): T {
    return this.#trace === undefined ? call() : this.#trace.within(call);
  }

  /** True when steps are to be called by `callStep`. */
  get isTraced(): boolean {
    return this.#trace !== undefined;
  }

  callStep<T>(step: TracedStep, body: () => T): T {
    return this.#trace === undefined ? body() : this.#trace.step(step, body);
  }

  /** The time at which a commit begins, for `committed`. */
  commitBegins(): number {
    return isHeard('run:committed') ? this.#clock.monotonic() : 0;
  }

  committed({ events, snapshot }: CommitParams, seq: number, beganAt: number): void {
    this.#tell('run:committed', () => ({
      ...this.about,
      seq,
      events: events.length,
      bytes: events.reduce((sum, { data }) => sum + data.length, 0),
      withSnapshot: snapshot !== undefined,
      ms: this.#clock.monotonic() - beganAt,
    }));
  }

  /** `error`: what a failed run failed of. */
  released(how: Release['status'] | Loss, error?: unknown): void {
    const ended = how === 'parked' ? 'waiting' : how;
    this.#trace?.end(ended, error);
    this.#tell('run:released', () => ({
      ...this.about,
      error,
      ms: this.#clock.monotonic() - this.#wokenAt,
      how: ended,
    }));
  }

  /** The time at which a step begins, for `stepEnded`. */
  stepBegins(): number {
    return isHeard('step:ended') ? this.#clock.monotonic() : 0;
  }

  stepEnded(
    step: { readonly name: string; readonly attempt: number },
    beganAt: number,
    outcome: 'completed' | 'retried' | 'failed',
    error?: unknown,
  ): void {
    this.#tell('step:ended', () => ({
      ...this.about,
      step: step.name,
      attempt: step.attempt,
      outcome,
      error,
      ms: this.#clock.monotonic() - beganAt,
    }));
  }
}
