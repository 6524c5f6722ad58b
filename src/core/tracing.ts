/**
 * What a tracer is to the engine: one trace for each execution of a run, linked to the execution before it, or to the trace
 * of whoever started the run. The link travels in the run's log (`run.created`, `run.traced`), so it crosses processes and
 * crashes; a run whose worker was killed shows where it went on.
 */
import type { Takeover } from './store.ts';

export interface Tracing {
  /** The caller's trace, to be put into the log of a run that starts; undefined outside of any. */
  current(): string | undefined;
  /** An execution begins. `from`: what `current` or the execution before left in the log. */
  execution(
    about: {
      readonly run: string;
      readonly workflow: string;
      readonly worker: string;
      readonly fence: number;
      readonly takeover: Takeover | undefined;
    },
    from: string | undefined,
  ): ExecutionTrace;
}

export interface ExecutionTrace {
  /** Stands for this execution in the log. */
  readonly carrier: string;
  /** Calls the handler within the execution. */
  within<T>(call: () => T): T;
  /** Calls the body of a step within a part of its own, which ends with it. */
  step<T>(step: { readonly name: string; readonly attempt: number }, body: () => T): T;
  /** The worker has let go of the run. `how`: its new status, or why. */
  end(how: string, error?: unknown): void;
}
