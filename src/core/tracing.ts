/**
 * What a tracer is to the engine: it is told of each execution of a run, and given what the execution before it, or whoever
 * started the run, has left in the log (`run.created`, `run.traced`). So a trace crosses processes and crashes: a run whose
 * worker was killed shows where it went on. Nothing of it decides anything in a run.
 */
import type { Takeover } from './store.ts';

/** What a workflow is to those who look at its traces. */
export const workflowKinds = ['agent'] as const;
export type WorkflowKind = (typeof workflowKinds)[number];

/** What a step does, to those who look at its traces. */
export const stepKinds = ['model', 'tool'] as const;
export type StepKind = (typeof stepKinds)[number];

/** A body of a step that is about to be called. */
export interface TracedStep {
  readonly name: string;
  readonly attempt: number;
  readonly kind?: StepKind | undefined;
}

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
      readonly kind?: WorkflowKind | undefined;
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
  step<T>(step: TracedStep, body: () => T): T;
  /** The worker has let go of the run. `how`: its new status, or why. */
  end(how: string, error?: unknown): void;
}
