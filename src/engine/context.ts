/**
 * What a handler works with: the state of its run, and the ways to add to its log. Types only; `handler-context.ts` and
 * `steps.ts` make them true.
 *
 * Every method that writes resolves when what it wrote is durable. When the worker has lost the run, none of them ever
 * settles: the handler stops at its next `await`, without an error it could mistake for a failure of the work, and
 * `signal` fires so that calls to the outside can be ended.
 */
import type { State } from '../core/fold.ts';
import type { Logger } from '../core/logger.ts';
import type { RetryPolicy } from '../core/policy.ts';
import type { InputOf, OutputOf, Schema } from '../core/schema.ts';

/** Schemas of a workflow's own events, by type. */
export type EventSchemas = Readonly<Record<string, Schema<unknown, unknown>>>;

/** The state a schema describes: an object whose top-level fields are stored one by one. */
export type StateOf<S> = Readonly<OutputOf<S>> & State;

/** Emits one of the workflow's own events. */
export type Emit<E extends EventSchemas, Result> = <Type extends keyof E & string>(
  type: Type,
  data: InputOf<E[Type]>,
) => Result;

export interface CheckpointOptions {
  readonly label?: string;
  /** Anything storable; shown beside the checkpoint. */
  readonly metadata?: unknown;
}

export interface Context<S = unknown, E extends EventSchemas = EventSchemas> {
  /** The run's id. */
  readonly run: string;
  /** Grows with every claim: hand it to outside systems that can refuse a stale writer. */
  readonly fence: number;
  /** What the events fold to, this run's own included. Read it anew after every await. */
  readonly state: StateOf<S>;
  /**
   * Fires when this worker has lost the run or must let go of it: end outside calls then. Its reason is a FencedError, or a
   * RunError that says why.
   */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /**
   * Appends an event; its reducer changes the state. Resolves when it is durable.
   * A resume calls the handler again, so an event that must come once belongs into a step (`step.emit`), or behind a
   * condition on `ctx.state`.
   * @throws InvalidError, UnstorableError, LimitError; nothing was written.
   */
  readonly emit: Emit<E, Promise<void>>;
  /**
   * Replaces top-level fields of the state. Resolves when it is durable.
   * @throws InvalidError, UnstorableError, LimitError; nothing was written.
   */
  set(patch: Partial<OutputOf<S>>): Promise<void>;
  /**
   * Runs `body` and stores its result under `name`; on a resume the stored result is returned and the body is not run.
   * A body that was running when its worker died runs again: give `step.idempotencyKey` to whatever it calls.
   * @throws StepError `PAWL_STEP_FAILED` after the last attempt, `PAWL_STEP_NAME_REUSED`.
   */
  step<Result>(
    name: string,
    body: (step: StepContext<E>) => Promise<Result> | Result,
    options?: StepOptions,
  ): Promise<Result>;
  /** Saves a snapshot now, with a mark in the log. Resolves when it is durable. */
  checkpoint(options?: CheckpointOptions): Promise<void>;
}

export interface StepOptions {
  /** Default: one attempt. */
  readonly retry?: RetryPolicy;
}

export interface StepContext<E extends EventSchemas = EventSchemas> {
  /** Fires when the worker must let go of the run. */
  readonly signal: AbortSignal;
  /** The same for every attempt of this step of this run, on any worker: for systems that can recognise a repetition. */
  readonly idempotencyKey: string;
  /** 1 for the first attempt. Attempts cut short by a crash are not counted. */
  readonly attempt: number;
  /** Adds an event to the commit that stores this step's result; nothing is written when the body fails. */
  readonly emit: Emit<E, void>;
}
