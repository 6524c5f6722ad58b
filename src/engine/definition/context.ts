/**
 * What a handler works with: the state of its run, and the ways to add to its log. Types only;
 * `execution/handler-context.ts` and `execution/steps.ts` make them true.
 *
 * Every method that writes resolves when what it wrote is durable. When the worker has lost the run, none of them ever
 * settles: the handler stops at its next `await`, without an error it could mistake for a failure of the work, and
 * `signal` fires so that calls to the outside can be ended.
 */
import type { StepKind } from '../../core/tracing.ts';
import type { Duration } from '../../core/duration.ts';
import type { CancelRequest } from '../../core/event.ts';
import type { Logger } from '../../core/logger.ts';
import type { Request } from '../../core/request.ts';
import type { InputOf, Schema } from '../../core/schema.ts';
import type { ManyOptions, Results } from './many.ts';
import type { OpenOutput, AnyOutputs, OutputSchemas } from './outputs.ts';
import type { AnswerContext, AnyQuestion, AskedOutput, ReplyInput } from './questions.ts';
import type { StartOptions } from './start-options.ts';
import type {
  Emit,
  EventSchemas,
  FrozenStateOf,
  StatePatch,
  StepContext,
  StepOptions,
} from './step-context.ts';
import type { Undoable, UndoableItem } from './undoable.ts';
import type { Waiting } from './waiting.ts';

export type {
  Emit,
  EventSchemas,
  FrozenStateOf,
  StateOf,
  StatePatch,
  StepContext,
  StepOptions,
} from './step-context.ts';

/** What a checkpoint is found by, and what is shown with it. */
export interface CheckpointOptions {
  /** A text for people, and to find the checkpoint by. It need not be unique. */
  readonly label?: string;
  /** A place in the work, to find the latest checkpoint of; in a graph it is the node's id. */
  readonly node?: string;
  /** Anything storable; shown beside the checkpoint. */
  readonly metadata?: unknown;
}

/** What to do about an effect that was begun before a crash, so that nobody knows whether it happened. */
export type Doubt<Result> =
  /** Do it again. */
  | 'retry'
  /** Take it as done; the result is undefined. */
  | 'skip'
  /** Wait until somebody decides: `run.decide(name, …)`. */
  | 'ask'
  /** Ask the outside world whether it happened. */
  | ((step: { readonly idempotencyKey: string }) => Promise<Probed<Result>> | Probed<Result>);

export type Probed<Result> =
  | { readonly happened: true; readonly result: Result }
  | { readonly happened: false };

/** What happens when nobody knows whether the body of an effect has run to its end. */
export interface EffectOptions<Result> {
  /** Asked before the body would run again: after a crash, a failure, a time-out, a rewind or a resume. */
  readonly onDoubt: Doubt<Result>;
  /** How long the body may take. A body that takes longer is in doubt. Default: as long as it likes. */
  readonly timeout?: Duration;
  /** As that of a step: what the body is to those who look at traces. */
  readonly kind?: StepKind;
}

/** A workflow, as far as starting one goes. */
export interface AnyStartable {
  readonly name: string;
  readonly version: number;
  readonly definition: object;
}

export type StartableInput<W> = W extends { definition: { input?: infer Input } }
  ? InputOf<NonNullable<Input>>
  : never;
export type StartableOutput<W> = W extends { definition: { run: (...args: never) => infer Output } }
  ? Awaited<Output>
  : never;

export type StartableSignals<W> = W extends { definition: { signals?: infer Signals } }
  ? NonNullable<Signals>
  : never;

/** Options of a child run. `id` must be the same whenever the handler comes here; default: made of this run's. */
export interface ChildOptions extends StartOptions {
  /** Name of the child in this run; needed when a workflow is started more than once. Default: the workflow's name. */
  readonly as?: string;
  /** Whether the child is cancelled when this run is cancelled or fails. Default true. */
  readonly attached?: boolean;
}

/** Options of children that are started together. */
export interface StartAllOptions<W extends AnyStartable = AnyStartable>
  extends ManyOptions, Omit<StartOptions, 'id'> {
  /** Name of the children in this run; each has its number as well. Default: the workflow's name. */
  readonly as?: string;
  /** Whether the children are cancelled when this run is cancelled or fails. Default true. */
  readonly attached?: boolean;
  /** The id of each child's run. It must be the same on every call for the same input. Default: made of this run's. */
  readonly id?: (input: StartableInput<W>, index: number) => string;
}

/** Names what is asked of a child; needed when the same is asked of it twice. */
export interface AskOptions {
  /** Name of the step in this run. Default: made of the child's name and what is asked. */
  readonly as?: string;
}

/** How a child is sent a signal. */
export interface ChildSignalOptions extends AskOptions {
  /** Which of the child's waits for the signal is meant: see `key` of `ctx.waitFor`. */
  readonly key?: string;
}

/** A child run, as its parent sees it. */
export interface ChildHandle<Output = unknown, G = EventSchemas> {
  /** The id of the child's run, for `pawl.run` and for lists. */
  readonly id: string;
  /**
   * Waits for the child's end, without holding anything; returns its output.
   * @throws StepError `PAWL_STEP_FAILED` when it failed or was cancelled; the cause is its error.
   */
  result(): Promise<Output>;
  /**
   * Sends the child a signal, as a step: on a resume it is not sent again, and after a crash the same one is known.
   * @throws InvalidError when the payload does not fit; StepError `PAWL_STEP_FAILED` when the child is over, with
   *   `PAWL_RUN_ENDED` as the cause.
   */
  signal<Name extends keyof G & string>(
    name: Name,
    payload: G[Name] extends Schema<infer Given, unknown> ? Given : never,
    options?: ChildSignalOptions,
  ): Promise<void>;
  /** Asks the child to end as cancelled, as a step; false when it was over. */
  cancel(options?: AskOptions & Request): Promise<boolean>;
}

/** What a handler is given. All that is done through it is in the log, and is the same again on a resume. */
export interface Context<
  S = unknown,
  E extends EventSchemas = EventSchemas,
  G extends EventSchemas = EventSchemas,
  O extends OutputSchemas = AnyOutputs,
> extends Waiting<G> {
  /** The run's id. */
  readonly run: string;
  /** Grows with every claim: hand it to outside systems that can refuse a stale writer. */
  readonly fence: number;
  /** What the events fold to, this run's own included. Read it anew after every await. */
  readonly state: FrozenStateOf<S>;
  /**
   * Fires when this worker has lost the run, must let go of it, or the run is cancelled: end outside calls then. Its reason
   * is a FencedError, or a RunError that says why.
   */
  readonly signal: AbortSignal;
  /** Writes to the logger of the worker, with run, workflow and fence. A handler that is called again logs again. */
  readonly log: Logger;
  /**
   * Appends an event; its reducer changes the state. Resolves when it is durable. A resume calls the handler again, so
   * put an event that must come once into a step (`step.emit`), or under a condition on `ctx.state`.
   * @throws InvalidError, UnstorableError, LimitError; nothing was written.
   */
  readonly emit: Emit<E, Promise<void>>;
  /**
   * Replaces top-level fields of the state. Resolves when it is durable. A handler that is called again, and takes
   * the same way, does not write it again: what is stored already stays as it is.
   * @throws InvalidError, UnstorableError, LimitError; nothing was written.
   */
  set(patch: StatePatch<S>): Promise<void>;
  /**
   * Runs `body` and stores its result under `name`; on a resume the stored result is returned and the body is not run.
   * A body that was running when its worker died runs again: give `step.idempotencyKey` to whatever it calls.
   * @throws StepError `PAWL_STEP_FAILED` after the last attempt, `PAWL_STEP_NAME_REUSED`.
   */
  step<Result>(
    name: string,
    body: (step: StepContext<E, S, O>) => Promise<Result> | Result,
    options?: StepOptions & Undoable<NoInfer<Result>, E, S, O>,
  ): Promise<Result>;
  /**
   * A step for each item, named `name:0`, `name:1` …; results in the order of the items. See docs/many.md.
   * @throws StepError `PAWL_STEP_FAILED` of the item that failed first, unless `onError` is `collect`.
   */
  map<Item, Result>(
    name: string,
    items: readonly Item[],
    body: (item: Item, step: StepContext<E, S, O>, index: number) => Promise<Result> | Result,
    options: StepOptions &
      UndoableItem<Item, NoInfer<Result>, E, S, O> &
      ManyOptions & { readonly onError: 'collect' },
  ): Promise<Results<Result>>;
  map<Item, Result>(
    name: string,
    items: readonly Item[],
    body: (item: Item, step: StepContext<E, S, O>, index: number) => Promise<Result> | Result,
    options?: StepOptions &
      UndoableItem<Item, NoInfer<Result>, E, S, O> &
      ManyOptions & { readonly onError?: 'stop' },
  ): Promise<Result[]>;
  /**
   * A step whose body must not be repeated blindly: its beginning is stored before it runs. When its worker dies in
   * between, `onDoubt` decides.
   */
  effect<Result>(
    name: string,
    body: (step: StepContext<E, S, O>) => Promise<Result> | Result,
    options: EffectOptions<Result> & Undoable<NoInfer<Result> | undefined, E, S, O>,
  ): Promise<Result | undefined>;
  /**
   * Keeps the state as it is now, for good: to look at (`run.checkpoints`) and to fork from. Resolves with its id when it is
   * durable. A handler that is called again, and has done nothing new yet, finds the one of this label that is there.
   */
  checkpoint(options?: CheckpointOptions): Promise<string>;
  /**
   * Drops the results of completed steps and waits whose names begin so, with the next commit. It is for a long loop
   * that finds its place by `ctx.state`. A step that is asked for again after that runs again.
   * @throws InvalidError when the prefix is empty.
   */
  forget(prefix: string): void;
  /**
   * Registers something that undoes work when the run is cancelled. pawl calls it after the handler has ended, the last
   * registered first, within the time that a cancelled run has to clean up. Steps work in it as ever. An error that it
   * throws is logged, and the others run.
   */
  onCancel(undo: (request: CancelRequest) => unknown): void;
  /**
   * Starts another run, which knows this one as its parent. After a crash the same child is found. The input may be left
   * out where the workflow has none, or takes undefined.
   */
  start<W extends AnyStartable>(
    workflow: W,
    ...args: undefined extends StartableInput<W>
      ? [input?: StartableInput<W>, options?: ChildOptions]
      : [input: StartableInput<W>, options?: ChildOptions]
  ): Promise<ChildHandle<StartableOutput<W>, StartableSignals<W>>>;
  /**
   * Starts a child for each input, a bounded number of them at a time, and waits for their ends without holding anything.
   * Outputs in the order of the inputs. See docs/children.md.
   * @throws InvalidError for an input that does not fit: no child was started. StepError `PAWL_STEP_FAILED` of the child
   *   that failed first, unless `onError` is `collect`.
   */
  startAll<W extends AnyStartable>(
    workflow: W,
    inputs: readonly StartableInput<W>[],
    options: StartAllOptions<W> & { readonly onError: 'collect' },
  ): Promise<Results<StartableOutput<W>>>;
  startAll<W extends AnyStartable>(
    workflow: W,
    inputs: readonly StartableInput<W>[],
    options?: StartAllOptions<W> & { readonly onError?: 'stop' },
  ): Promise<StartableOutput<W>[]>;
  /**
   * Answers a question to this run from now on. Call it each time the handler is called, before the first wait. The answer
   * is made when the handler has caught up with the log. It is in no log, unless it changes the run by `emit` and `set` of
   * its second argument: these and the reply are one commit. One that changes nothing may be made twice when the worker
   * dies. It reads `ctx`; what else it asks of `ctx` is refused with DefinitionError.
   * @throws InvalidError for a name that is none.
   */
  answer<Q extends AnyQuestion | string>(
    question: Q,
    answer: (
      payload: AskedOutput<Q>,
      about: AnswerContext<Emit<E, void>, StatePatch<S>>,
    ) => ReplyInput<Q> | Promise<ReplyInput<Q>>,
  ): void;
  /** The time, on Redis' clock; the same on every resume. */
  now(as?: string): Promise<Date>;
  /** A number from 0 to below 1; the same on every resume. */
  random(as?: string): Promise<number>;
  /** A random id; the same on every resume. */
  uuid(as?: string): Promise<string>;
  /**
   * An output of the run, as in a step. A handler that is called again begins a new epoch of what it gives out itself;
   * what its finished steps gave out stands.
   */
  readonly output: OpenOutput<O>;
  /** Tells callers and dashboards how far the run is, 0 to 1. Not part of the log; sent at most a few times a second. */
  progress(fraction: number, message?: string): void;
}
