/** What the body of a step works with. Types only; `execution/steps.ts` makes them true. */
import type { StepKind } from '../../core/tracing.ts';
import type { Duration } from '../../core/duration.ts';
import type { State } from '../../core/fold.ts';
import type { DeepReadonly } from '../../core/frozen.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import type { InputOf, OutputOf, Schema } from '../../core/schema.ts';
import type { AnyOutputs, ChunkInput, OpenOutput, OutputSchemas, OutputWriter } from './outputs.ts';

/** Schemas of a workflow's own events, by type. */
export type EventSchemas = Readonly<Record<string, Schema<unknown, unknown>>>;

/** The state a schema describes: an object whose top-level fields are stored one by one. */
export type StateOf<S> = Readonly<OutputOf<S>> & State;

/** The state as a handler or a reducer reads it: nothing of it can be changed in place. */
export type FrozenStateOf<S> = DeepReadonly<OutputOf<S>> & State;

/** New values for top-level fields of the state. */
export type StatePatch<S> = Partial<DeepReadonly<OutputOf<S>>>;

/** Emits one of the workflow's own events. */
export type Emit<E extends EventSchemas, Result> = <Type extends keyof E & string>(
  type: Type,
  data: InputOf<E[Type]>,
) => Result;

/** How a step's body is tried again, and how long it may take. */
export interface StepOptions {
  /** Default: the `stepRetry` of the workflow, else one attempt. */
  readonly retry?: RetryPolicy;
  /** How long one attempt may take; its signal fires then, and the attempt has failed. */
  readonly timeout?: Duration;
  /** The name this step had in older code: a result stored under it is found. */
  readonly was?: string;
  /** For traces: the body calls a model, or a tool of an agent. Nothing else depends on it. Default: neither. */
  readonly kind?: StepKind;
}

/** What the body of a step is given. */
export interface StepContext<
  E extends EventSchemas = EventSchemas,
  S = unknown,
  O extends OutputSchemas = AnyOutputs,
> {
  /** Fires when the worker must let go of the run, the run is cancelled, or the attempt has taken too long. */
  readonly signal: AbortSignal;
  /** The same for every attempt of this step of this run, on any worker: for systems that can recognise a repetition. */
  readonly idempotencyKey: string;
  /** 1 for the first attempt. Attempts cut short by a crash are not counted. */
  readonly attempt: number;
  /** Adds an event to the commit that stores this step's result; nothing is written when the body fails. */
  readonly emit: Emit<E, void>;
  /** Writes a chunk to the run's output `default`: see `output`. */
  readonly write: OutputWriter<ChunkInput<O, 'default'>>['write'];
  /**
   * An output of the run: chunks such as tokens, rows or lines of a log, for those who read `run.output()`. They are
   * not part of the state. A step that runs again begins a new epoch, and readers are told.
   */
  readonly output: OpenOutput<O>;
  /**
   * Replaces top-level fields of the state in the commit that stores this step's result; nothing is written when the body
   * fails. Of several calls the last one counts for a field. It comes after the events that the step emits.
   * @throws InvalidError, UnstorableError. When the state's schema refuses the patch, the step fails with that.
   */
  set(patch: StatePatch<S>): void;
  /** A step inside this one: its result is kept until this one completes, and then leaves the run's bookkeeping. */
  step<Result>(
    name: string,
    body: (step: StepContext<E, S, O>) => Promise<Result> | Result,
    options?: StepOptions,
  ): Promise<Result>;
}
