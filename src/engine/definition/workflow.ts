/**
 * A workflow: the definition, in code, of what its runs do. Everything is inferred from the schemas; no type argument is
 * ever needed.
 */
import type { WorkflowKind } from '../../core/tracing.ts';
import { type Duration, toMilliseconds } from '../../core/duration.ts';
import { DefinitionError } from '../../core/errors.ts';
import type { Reducers, State } from '../../core/fold.ts';
import { type DeepReadonly, deepFreeze } from '../../core/frozen.ts';
import {
  checkEventType,
  checkOutputName,
  checkSignalName,
  checkWorkflowName,
} from '../../core/names.ts';
import {
  callback,
  checkedLater,
  optionsOf,
  objectOf,
  type Rule,
  schema,
} from '../../core/option-rules.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import type { Pace } from '../../core/queue.ts';
import type { CheckpointExpiry, RetentionTimes } from '../../core/retention.ts';
import type { LimitsOfCode, OnBusy } from '../../core/turns.ts';
import type { InputOf, OutputOf, Schema } from '../../core/schema.ts';
import type { Context, EventSchemas, FrozenStateOf } from './context.ts';
import { checkEndHook, type EndHookContext, type RunEnd } from './end-hook.ts';
import { definitionRules } from './definition-rules.ts';
import type { GraphShape } from './graph-shape.ts';
import type { OutputKeeping, AnyOutputs, OutputSchemas } from './outputs.ts';
import { checkStateSchema } from './state-schema.ts';

export type ReducersOf<S, E extends EventSchemas> = {
  readonly [Type in keyof E]?: (
    state: FrozenStateOf<S>,
    data: OutputOf<E[Type]>,
  ) => DeepReadonly<OutputOf<S>>;
};

/** For signals, the fields of their payloads that are their keys. */
export type SignalKeys<G extends EventSchemas> = {
  readonly [Name in keyof G]?: keyof OutputOf<G[Name]> & string;
};

/** What `defineWorkflow` takes. Types of input, state, events and signals are taken from the schemas. */
export interface WorkflowDefinition<
  Input,
  S,
  E extends EventSchemas,
  Output,
  G extends EventSchemas = EventSchemas,
  O extends OutputSchemas = AnyOutputs,
> {
  /** Names the workflow everywhere: in keys, queues, logs. Never change it while runs exist. */
  readonly name: string;
  /** Version of this code, recorded at every claim. Default 1. */
  readonly version?: number;
  /** For traces: runs are those of an agent, and their spans have the attributes of generative AI. Default: they are not. */
  readonly kind?: WorkflowKind;
  /** What `start` accepts; validated there. */
  readonly input?: Input;
  /**
   * What events fold to. Must accept `{}`: its defaults are the state that runs begin with. It is put to its own output
   * again and again, so it has no transform.
   */
  readonly state?: S;
  /** The workflow's own events: a name, and the schema that checks the payload before it is written. */
  readonly events?: E;
  /** How events change the state. Pure: the same state and event always give the same new state. */
  readonly reduce?: ReducersOf<S, E>;
  /** Messages from outside, by name. */
  readonly signals?: G;
  /**
   * What runs give out while they are at work, by name: the schemas of the chunks. Default: any name, and any chunk. See
   * docs/outputs.md.
   */
  readonly outputs?: O;
  /** How much of a run's output is kept. Default: 16 MB, as long as the run. */
  readonly keepOutput?: OutputKeeping;
  /** For a signal, the field of its payload that is its key: see `key` of `ctx.waitFor`. Default: only senders give keys. */
  readonly signalKeys?: SignalKeys<G>;
  /** By version: makes a state of the next version out of one of this version. */
  readonly migrate?: Readonly<Record<number, (old: never) => unknown>>;
  /** By type: makes an event of today out of the data of one that `version` of the code wrote. */
  readonly upcast?: {
    readonly [Type in keyof E]?: (data: never, version: number) => OutputOf<E[Type]>;
  };
  /** Runs of this workflow at work at one time on one worker. Default: the worker's `concurrency`. */
  readonly concurrency?: number;
  /**
   * How many executions of this workflow begin in a stretch of time, over all workers: starts, wake-ups and take-overs
   * alike. The others wait in the queue.
   */
  readonly rate?: { readonly max: number; readonly per: Duration };
  /** Runs of one key at work at one time, over all workers. One that waits holds no place. Default: any number. */
  readonly concurrencyPerKey?: number;
  /** Runs with a key at work at one time, over all workers; keys take turns. Default: any number. */
  readonly concurrencyOfKeys?: number;
  /** How many executions of one key begin in a stretch of time, over all workers. The others wait. */
  readonly ratePerKey?: { readonly max: number; readonly per: Duration };
  /**
   * What becomes of a start whose key is busy. `queue` (default): it waits for its turn. `drop`: `start` throws
   * `PAWL_KEY_BUSY`. `replace`: older runs of the key are cancelled. `debounce`: those of them that have not begun are.
   */
  readonly onBusy?: OnBusy;
  /**
   * With `onBusy: 'debounce'`: a burst of starts lasts no longer than this. The run that has not begun by then begins, and
   * later starts leave it alone. Default: a burst lasts as long as starts come.
   */
  readonly debounceMax?: Duration;
  /**
   * After which ends the steps are undone that say how: see `undo` of a step. A run whose time is over counts as failed.
   * Default: both.
   */
  readonly undoOn?: readonly ('failed' | 'cancelled')[];
  /** How often the whole run is tried when its handler throws, with pauses in between. Default: once. */
  readonly retry?: RetryPolicy;
  /**
   * How a step is tried again that has no `retry` of its own: each step that the handler asks for, also by `ctx.map`.
   * Steps inside of a step do not take it: the outer one is tried again, and what has completed inside is not. Nor do
   * effects. Default: one attempt.
   */
  readonly stepRetry?: RetryPolicy;
  /** How long a run is kept after its end, by how it ended. Default: the worker's `retention`, else 7 days. */
  readonly retention?: RetentionTimes;
  /** Checkpoints that a run at work drops by itself. Default: it keeps all. */
  readonly expireCheckpoints?: CheckpointExpiry;
  /**
   * Called at least once after a run has completed, failed or was cancelled, also when the worker dies there. It is not
   * called for a run that is deleted before its end. It is a run of its own, of the workflow `<name>.end`, with steps and
   * waits. One that fails is tried again for about four days. See docs/starting.md. Write it below `run`, so that it knows
   * the type of the output.
   */
  onEnd?(this: void, ctx: EndHookContext, end: RunEnd<NoInfer<Output>>): unknown;
  /**
   * What a run does. Called again with the restored `ctx.state` after a crash; steps that finished return their stored
   * result, found by name.
   */
  readonly run: (ctx: Context<S, E, G, O>, input: OutputOf<Input>) => Promise<Output> | Output;
}

/** A checked definition, ready for workers and `start`. */
export interface Workflow<
  Input = Schema,
  S = Schema,
  E extends EventSchemas = EventSchemas,
  Output = unknown,
  G extends EventSchemas = EventSchemas,
  O extends OutputSchemas = AnyOutputs,
> {
  /** Names the workflow in Redis, in lists and in queues. */
  readonly name: string;
  /** The version of this code. A worker with an older one leaves runs alone that a newer one has written. Default 1. */
  readonly version: number;
  /** What `defineWorkflow` was given. */
  readonly definition: WorkflowDefinition<Input, S, E, Output, G, O>;
  /** The state before the first event; each run gets a copy of its own. */
  readonly initialState: State;
  /** Of workflows made by `defineGraph`. */
  readonly graph?: GraphShape;
}

/** Any workflow, whatever its types. */
// oxlint-disable-next-line typescript/no-explicit-any -- the one place where the types of a workflow are given up
export type AnyWorkflow = Workflow<any, any, any, any, any>;

/**
 * Marks a workflow, with the form it has. The symbol is the same in every copy of the package: the workflows that a
 * command line or a dashboard is given may come from another copy.
 */
export const formKey = Symbol.for('pawl.workflow');
export const workflowForm = 1;

const checkDefinition: Rule = optionsOf<AnyWorkflow['definition']>({
  ...definitionRules,
  migrate: objectOf(callback),
  upcast: objectOf(callback),
  outputs: objectOf(schema),
  run: checkedLater,
});

/** What `start` takes for a workflow. */
export type StartInput<W> =
  W extends Workflow<infer Input, infer _S, infer _E, infer _R, infer _G, infer _O>
    ? InputOf<Input>
    : never;

/** What comes after the workflow in a call that starts a run: an input that need not be given may be left out. */
export type StartArguments<Input, Options> =
  undefined extends InputOf<Input>
    ? [input?: InputOf<Input>, options?: Options]
    : [input: InputOf<Input>, options?: Options];

/**
 * Checks a definition.
 * @throws InvalidError for a bad name or event type.
 * @throws DefinitionError when the state has no defaults or changes its own output, or a reducer has no event.
 */
export function defineWorkflow<
  Input extends Schema<unknown, unknown> = Schema,
  S extends Schema<unknown, object> = Schema<object, Record<never, never>>,
  E extends EventSchemas = Record<never, never>,
  Output = unknown,
  G extends EventSchemas = Record<never, never>,
  O extends OutputSchemas = Record<never, never>,
>(definition: WorkflowDefinition<Input, S, E, Output, G, O>): Workflow<Input, S, E, Output, G, O> {
  checkDefinition(definition, 'workflow definition');
  const { name, version = 1, events = {}, reduce = {}, signals = {}, outputs = {} } = definition;
  checkWorkflowName(name);
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new DefinitionError(
      `Workflow ${name}: version must be a whole number from 1, it is ${version}.`,
    );
  }
  if (typeof definition.run !== 'function') {
    throw new DefinitionError(`Workflow ${name}: run must be a function.`);
  }
  checkPace(definition);
  checkEndHook(definition);
  for (const type of Object.keys(events)) checkEventType(type);
  for (const signal of Object.keys(signals)) checkSignalName(signal);
  for (const output of Object.keys(outputs)) checkOutputName(output);
  for (const signal of Object.keys(definition.signalKeys ?? {})) {
    if (!Object.hasOwn(signals, signal)) {
      throw new DefinitionError(
        `Workflow ${name}: signalKeys has "${signal}", which is not in signals.`,
      );
    }
  }
  for (const type of Object.keys(reduce)) {
    if (!Object.hasOwn(events, type)) {
      throw new DefinitionError(`Workflow ${name}: reduce has "${type}", which is not in events.`);
    }
  }
  const initialState = deepFreeze(checkStateSchema(name, definition.state));
  const workflow = { [formKey]: workflowForm, name, version, definition, initialState };
  return workflow;
}

/** The pace of a workflow as the queue takes it; undefined when it has none of its own. */
export function paceOf({ definition, name }: AnyWorkflow): Pace | undefined {
  const { concurrency, rate } = definition;
  if (concurrency === undefined && rate === undefined) return undefined;
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(rate === undefined
      ? {}
      : { rate: { max: rate.max, perMs: toMilliseconds(rate.per, `rate of ${name}`) } }),
  };
}

/** How the runs of a workflow that have a key take turns. */
export function turnLimitsOf({ definition, version, name }: AnyWorkflow): LimitsOfCode {
  const { concurrencyPerKey, concurrencyOfKeys, ratePerKey, onBusy = 'queue' } = definition;
  const { debounceMax } = definition;
  const perMs = ratePerKey && toMilliseconds(ratePerKey.per, `ratePerKey of ${name}`);
  const burstMs = debounceMax && toMilliseconds(debounceMax, `debounceMax of ${name}`);
  return {
    codeVersion: version,
    onBusy,
    ...(concurrencyPerKey === undefined ? {} : { perKey: concurrencyPerKey }),
    ...(concurrencyOfKeys === undefined ? {} : { fleet: concurrencyOfKeys }),
    ...(ratePerKey && perMs ? { rate: { max: ratePerKey.max, perMs } } : {}),
    ...(burstMs ? { burstMs } : {}),
  };
}

function checkPace(definition: AnyWorkflow['definition']): void {
  const { name, concurrency, rate, ratePerKey, onBusy, debounceMax } = definition;
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1;
  if (debounceMax !== undefined && onBusy !== 'debounce') {
    throw new DefinitionError(`Workflow ${name}: debounceMax belongs to onBusy: 'debounce'.`);
  }
  if (debounceMax !== undefined && toMilliseconds(debounceMax, 'debounceMax') < 1) {
    throw new DefinitionError(`Workflow ${name}: debounceMax must be longer than 0.`);
  }
  if (concurrency !== undefined && !isCount(concurrency)) {
    throw new DefinitionError(`Workflow ${name}: concurrency must be a whole number from 1.`);
  }
  for (const [field, one] of Object.entries({ rate, ratePerKey })) {
    if (one === undefined || (isCount(one.max) && toMilliseconds(one.per, field) >= 1)) continue;
    const needs = 'needs max, from 1, and per, longer than 0';
    throw new DefinitionError(`Workflow ${name}: ${field} ${needs}.`);
  }
}

/** The reducers as the fold takes them. */
export function reducersOf(workflow: AnyWorkflow): Reducers {
  return (workflow.definition.reduce ?? {}) as Reducers;
}
