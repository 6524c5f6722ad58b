/** How a graph is written down. Types only; `graph.ts` checks and compiles it, `graph-run.ts` executes it. */
import type { StepKind, WorkflowKind } from '../../core/tracing.ts';
import type { Duration } from '../../core/duration.ts';
import type { DeepReadonly } from '../../core/frozen.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import type { InputOf, OutputOf, Schema } from '../../core/schema.ts';
import type {
  CheckpointOptions,
  Context,
  Emit,
  EventSchemas,
  FrozenStateOf,
  StatePatch,
} from '../definition/context.ts';
import type { EndHookContext, RunEnd } from '../definition/end-hook.ts';
import type { GraphShape } from '../definition/graph-shape.ts';
import type { HowToUndo } from '../definition/undoable.ts';
import type { AnyWorkflow, ReducersOf, SignalKeys, Workflow } from '../definition/workflow.ts';

/** Schemas of the arguments of nodes that take some, by node. */
export type ArgsSchemas = Readonly<Record<string, Schema<unknown, unknown>>>;

/** A node and what it is given. */
type TargetWithArgs<Id extends string, A extends ArgsSchemas> = {
  [Node in Extract<Id, keyof A>]: { readonly node: Node; readonly args: InputOf<A[Node]> };
}[Extract<Id, keyof A>];

/** What can come next: a node, a node with arguments, or `end`, the end of this branch. */
export type Target<Id extends string, A extends ArgsSchemas> =
  | Exclude<Id, keyof A>
  | 'end'
  | TargetWithArgs<Id, A>;

/** One target, or several that are executed at the same time. */
export type Targets<Id extends string, A extends ArgsSchemas> =
  | Target<Id, A>
  | readonly Target<Id, A>[];

/** What a node's body returns: everything in it is stored in one commit. */
export interface NodeOutcome<S, Id extends string, A extends ArgsSchemas> {
  /** New values of top-level fields of the state. */
  readonly set?: StatePatch<S>;
  /** Kept, and shown, until the node's next visit. Anything storable. */
  readonly result?: unknown;
  /** What comes next, in place of the node's edge; it starts at once and joins nothing. */
  readonly goto?: Targets<Id, A>;
}

/**
 * The context of one visit of a node. It is that of a handler, with names of its own, so every visit can use the same
 * names. The value that the body returns changes the state.
 */
export interface NodeContext<
  S = unknown,
  E extends EventSchemas = EventSchemas,
  G extends EventSchemas = EventSchemas,
  Input = unknown,
  Args = unknown,
> extends Omit<Context<S, E, G>, 'emit' | 'set' | 'checkpoint'> {
  /** The id of the node that is executed. */
  readonly node: string;
  /** Which execution of this node it is, from 1; parallel ones count separately. */
  readonly visit: number;
  /** What the node was given by the target that led here. */
  readonly args: Args;
  /** The run's input. */
  readonly input: Input;
  /** 1 for the first attempt of this visit. Attempts cut short by a crash are not counted. */
  readonly attempt: number;
  /** The same for every attempt of this visit, on any worker. */
  readonly idempotencyKey: string;
  /** Adds an event to the commit that completes the visit; nothing is written when the body fails. */
  readonly emit: Emit<E, void>;
  /** Asks for a checkpoint in the commit that completes the visit: after the change of the state, and only on success. */
  checkpoint(options?: CheckpointOptions): void;
}

export type NodeBody<S, E extends EventSchemas, G extends EventSchemas, Input, Args, Outcome> = (
  ctx: NodeContext<S, E, G, Input, Args>,
  args: Args,
  // oxlint-disable-next-line typescript/no-invalid-void-type -- a body that returns nothing follows its edge
) => Promise<Outcome | void> | Outcome | void;

/** A completed visit of a node that is undone. */
export interface VisitToUndo<Args = unknown> {
  /** Which execution of the node it was, from 1. */
  readonly visit: number;
  /** What the node was given. */
  readonly args: Args;
  /** What the body returned as `result`. */
  readonly result: unknown;
}

/** A node with options. */
export interface NodeOptions<Body, Id extends string, Undo = HowToUndo<VisitToUndo>> {
  /** What the node does. It may be called again when a worker dies, until its visit has completed. */
  readonly run: Body;
  /** Default: the `stepRetry` of the graph, else one attempt. */
  readonly retry?: RetryPolicy;
  /** How long one attempt may take. A node with a time-out keeps its worker while it waits. */
  readonly timeout?: Duration;
  /**
   * How a visit is undone when the run fails or is cancelled for good, as of a step. It is given what the visit was given
   * and what it returned as `result`.
   */
  readonly undo?: Undo;
  /** For traces: the node calls a model, or is a tool of an agent. Nothing else depends on it. Default: neither. */
  readonly kind?: StepKind;
  /** Where `goto` may lead: drawn in the diagram, and checked. Default: anywhere, and not drawn. */
  readonly to?: readonly (Id | 'end')[];
}

/** Where to go after a node. A function sees the state with the node's changes, and the node's result. */
export type Edge<S, Id extends string, A extends ArgsSchemas> =
  | Exclude<Id, keyof A>
  | 'end'
  | readonly Target<Id, A>[]
  | ((state: FrozenStateOf<S>, result: unknown) => Targets<Id, A>)
  | {
      /** Where `when` may lead: drawn in the diagram, and checked. */
      readonly to: readonly (Id | 'end')[];
      readonly when: (state: FrozenStateOf<S>, result: unknown) => Targets<Id, A>;
    };

/** For fields that parallel branches change: what becomes of the value that is there and the value a node set. */
export type MergeFunctions<State> = {
  readonly [Key in keyof State]?: (
    current: DeepReadonly<State[Key]>,
    update: DeepReadonly<State[Key]>,
  ) => DeepReadonly<State[Key]>;
};

/** What `defineGraph` takes: one typed state, the nodes that change it, and the edges between them. */
export interface GraphDefinition<
  Input,
  S,
  E extends EventSchemas,
  G extends EventSchemas,
  A extends ArgsSchemas,
  Id extends string,
  Output,
> {
  /** Names the workflow everywhere. Never change it while runs exist. */
  readonly name: string;
  /** Version of this code and of the state's schema. Default 1. */
  readonly version?: number;
  /** As of any workflow: runs are those of an agent, to those who look at traces. */
  readonly kind?: WorkflowKind;
  /** What `start` accepts; nodes find it as `ctx.input`. */
  readonly input?: Input;
  /** The channel that all nodes share. Must accept `{}`: its defaults are the state that runs begin with. */
  readonly state?: S;
  /** The graph's own events, as of any workflow. */
  readonly events?: E;
  /** How events change the state, as of any workflow. `merge` does the same for what nodes `set`. */
  readonly reduce?: ReducersOf<S, E>;
  /** The signals that nodes may wait for, as of any workflow. */
  readonly signals?: G;
  /** As of any workflow. */
  readonly signalKeys?: SignalKeys<G>;
  /** How often the whole run is tried when a node fails. Completed nodes keep their results. Default: once. */
  readonly retry?: RetryPolicy;
  /** How a node is tried again that has no `retry` of its own. Default: one attempt. */
  readonly stepRetry?: RetryPolicy;
  /**
   * `nodes` (default): the state is kept as a checkpoint after each completed visit of a node, in the same commit. The
   * newest 50 of those stay. `asked`: only where a node calls `ctx.checkpoint`.
   */
  readonly checkpoints?: 'nodes' | 'asked';
  /** As of any workflow. Default: the newest 50 without a label, and all with one. */
  readonly expireCheckpoints?: AnyWorkflow['definition']['expireCheckpoints'];
  /** As of any workflow. */
  readonly retention?: AnyWorkflow['definition']['retention'];
  /** Called after the end of a run, as of any workflow. */
  onEnd?(this: void, ctx: EndHookContext, end: RunEnd<NoInfer<Output>>): unknown;
  /** As of any workflow: how much of a run's output is kept. */
  readonly keepOutput?: AnyWorkflow['definition']['keepOutput'];
  /** Runs of this graph at work at one time on one worker, as of any workflow. */
  readonly concurrency?: AnyWorkflow['definition']['concurrency'];
  /** Executions begun in a stretch of time, over all workers, as of any workflow. */
  readonly rate?: AnyWorkflow['definition']['rate'];
  /** Runs of one key at work at one time, over all workers, as of any workflow. */
  readonly concurrencyPerKey?: AnyWorkflow['definition']['concurrencyPerKey'];
  /** Runs with a key at work at one time, over all workers, as of any workflow. */
  readonly concurrencyOfKeys?: AnyWorkflow['definition']['concurrencyOfKeys'];
  /** Executions of one key begun in a stretch of time, as of any workflow. */
  readonly ratePerKey?: AnyWorkflow['definition']['ratePerKey'];
  /** What becomes of a start whose key is busy, as of any workflow. */
  readonly onBusy?: AnyWorkflow['definition']['onBusy'];
  /** As of a workflow. */
  readonly debounceMax?: AnyWorkflow['definition']['debounceMax'];
  /** After which ends visits are undone, as of any workflow. */
  readonly undoOn?: AnyWorkflow['definition']['undoOn'];
  /** Arguments of nodes that take some; a target of such a node is `{ node, args }`. */
  readonly args?: A;
  /** The first node. */
  readonly start: Exclude<NoInfer<Id>, keyof A>;
  /** The nodes by their ids: a function, or a function with options. */
  readonly nodes: {
    readonly [Node in Id]: GraphNode<
      NodeBody<
        S,
        E,
        G,
        OutputOf<Input>,
        Node extends keyof A ? OutputOf<A[Node]> : undefined,
        NodeOutcome<S, NoInfer<Id>, A>
      >,
      NoInfer<Id>,
      HowToUndo<VisitToUndo<Node extends keyof A ? OutputOf<A[Node]> : undefined>, E, S>
    >;
  };
  /** What follows a node whose body names no `goto`. Without an edge a branch ends there. */
  readonly edges?: { readonly [Node in NoInfer<Id>]?: Edge<S, NoInfer<Id>, A> };
  /**
   * When parallel nodes set the same field, the later commit wins, unless the field has a function here. It is called with
   * every `set` of the field, and only when a node completes: a replay reads what it made.
   */
  readonly merge?: MergeFunctions<OutputOf<S>>;
  /** How often a run may come to the same node before it fails with `PAWL_CYCLE_LIMIT`. */
  readonly cycles?: {
    /**
     * How often a run may come to one node; parallel tasks that one node starts count as one. Default 1000.
     */
    readonly limit?: number;
    /** Limits of single nodes. */
    readonly nodes?: { readonly [Node in NoInfer<Id>]?: number };
  };
  /** What the run returns when nothing is left to do. Default: the state. */
  readonly output?: (state: FrozenStateOf<S>) => Output;
}

export type GraphNode<Body, Id extends string, Undo = HowToUndo<VisitToUndo>> =
  | Body
  | NodeOptions<Body, Id, Undo>;

/** A workflow that can be drawn. */
export interface Graph<
  Input = Schema,
  S = Schema,
  E extends EventSchemas = EventSchemas,
  Output = unknown,
  G extends EventSchemas = EventSchemas,
> extends Workflow<Input, S, E, Output, G> {
  readonly graph: GraphShape;
}
