/** How what a run has done is undone, as its handler says. Types only; `execution/undoing.ts` makes them true. */
import type { Duration } from '../../core/duration.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import type { EventSchemas, StepContext } from './step-context.ts';
import type { AnyOutputs, OutputSchemas } from './outputs.ts';

/** What the undo of a step is given, beside the step's result. It is a step itself. */
export interface UndoContext<
  E extends EventSchemas = EventSchemas,
  S = unknown,
  O extends OutputSchemas = AnyOutputs,
> extends StepContext<E, S, O> {
  /** Why the run is undone. */
  readonly because: 'failed' | 'cancelled';
  /** The effect may have happened, and may not have: its `onDoubt` cannot tell. The result is undefined then. */
  readonly isInDoubt: boolean;
}

/** A function, or a function with a policy. */
type WithPolicy<Body> =
  | Body
  | {
      /** Undoes what was done. */
      readonly run: Body;
      /** How it is tried again. Default: 6 attempts, one second apart at first. Then a person is asked. */
      readonly retry?: RetryPolicy;
      /** How long one attempt may take. */
      readonly timeout?: Duration;
    };

/** How a step is undone: a function of its result, or one with a policy. */
export type HowToUndo<
  Result,
  E extends EventSchemas = EventSchemas,
  S = unknown,
  O extends OutputSchemas = AnyOutputs,
> = WithPolicy<(result: Result, undo: UndoContext<E, S, O>) => unknown>;

/** How an item of a map is undone: a function of the item and its result, or one with a policy. */
export type HowToUndoItem<
  Item,
  Result,
  E extends EventSchemas = EventSchemas,
  S = unknown,
  O extends OutputSchemas = AnyOutputs,
> = WithPolicy<(item: Item, result: Result, undo: UndoContext<E, S, O>, index: number) => unknown>;

/** The option that says how a step is undone. */
export interface Undoable<
  Result,
  E extends EventSchemas = EventSchemas,
  S = unknown,
  O extends OutputSchemas = AnyOutputs,
> {
  /**
   * How the step is undone after the run has failed or was cancelled for good. The run ends after that. An undo that fails
   * for good waits for a person: `run.decide('<step> ›› undo', …)`. See docs/undo.md.
   */
  readonly undo?: HowToUndo<Result, E, S, O>;
}

/** The option that says how the items of a map are undone. */
export interface UndoableItem<
  Item,
  Result,
  E extends EventSchemas = EventSchemas,
  S = unknown,
  O extends OutputSchemas = AnyOutputs,
> {
  /**
   * How each item that has completed is undone, one at a time, the last of the list first. In the order of the run, all
   * items stand where the last of them completed. The rest is as with a step: `run.decide('<map>:<index> ›› undo', …)`.
   */
  readonly undo?: HowToUndoItem<Item, Result, E, S, O>;
}
