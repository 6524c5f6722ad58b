/**
 * One claimed run of a graph: starts what is ready, stores what completes, until nothing is left.
 *
 *   graph:tasks ──ready──▶ step node:<id>:<visit> ──▶ one commit: events · node.completed (set, result, next) · checkpoint
 *        ▲                                                                        │
 *        └────────────────────────────────────────────────────────────────────────┘
 *
 * Crash at work: the tasks are in the log, the next owner starts those that had not completed, and only those. There is no
 * moment at which a node has completed and what follows is not known: both are the same event.
 */
import { detach } from '../../core/detached.ts';
import type { CheckpointMark } from '../../core/checkpoint.ts';
import { canonical, encode } from '../../core/codec.ts';
import { DefinitionError, InvalidError, RunError } from '../../core/errors.ts';
import type { State } from '../../core/fold.ts';
import { nesting } from '../../core/fold.ts';
import {
  graphTasks,
  type GraphTask,
  type NodeCompletedData,
  nodeCount,
  type NodeScheduledData,
  taskStep,
} from '../../core/graph.ts';
import { validate } from '../../core/schema.ts';
import { bodyOf } from '../execution/steps.ts';
import { checkpointWrite } from '../execution/save-checkpoint.ts';
import type { CheckpointOptions, StepContext } from '../definition/context.ts';
import type { AnyTarget, GraphShape, NodeShape } from '../definition/graph-shape.ts';
import { mapOf, targetNode } from './graph-map.ts';
import { type GraphMap, type Move, planNext } from './graph-plan.ts';
import { contextParts, type ContextParts, createContext } from '../execution/handler-context.ts';
import { recordWrite, reduced, validPatch, type Write } from '../execution/writes.ts';

/** Executes a graph as the handler of a run; returns the run's output. */
export function runGraph(context: object, graph: GraphShape, input: unknown): Promise<unknown> {
  return new GraphRun(contextParts(context), graph, input).toEnd();
}

/** What a body returned, and what it asked for on the way. */
interface Visited {
  readonly returned: unknown;
  readonly checkpoints: readonly CheckpointOptions[];
}

interface Outcome {
  readonly set?: Record<string, unknown>;
  readonly result?: unknown;
  readonly goto?: AnyTarget | readonly AnyTarget[];
}

class GraphRun {
  readonly #parts: ContextParts;
  readonly #graph: GraphShape;
  readonly #input: unknown;
  readonly #map: GraphMap;
  /** Ids of tasks at work. */
  readonly #working = new Set<string>();
  /** Tasks whose scheduling is durable. */
  #startable: readonly GraphTask[] = [];
  #failure: { readonly error: unknown } | undefined;
  #onChange: () => void = () => undefined;

  constructor(parts: ContextParts, graph: GraphShape, input: unknown) {
    this.#parts = parts;
    this.#graph = graph;
    this.#input = input;
    this.#map = mapOf(graph);
  }

  async toEnd(): Promise<unknown> {
    const { fold, writer, undos } = this.#parts.scope;
    undos.noteNodes((step) => this.#graph.nodes.get(/^node:(.+):\d+$/.exec(step)?.[1] ?? '')?.undo);
    if (graphTasks(fold.bookkeeping) === undefined) {
      const { start } = this.#graph;
      const first: GraphTask = { id: `${start}:1`, node: start, visit: 1, branch: [] };
      const data: NodeScheduledData = { next: [first] };
      // It needs no commit of its own: without it, a graph begins at its start.
      writer.piggyback(recordWrite('node.scheduled', data));
    }
    this.#startable = graphTasks(fold.bookkeeping) ?? [];
    for (;;) {
      this.#startAll();
      if (this.#working.size === 0) break;
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
      // The run has failed: what is still at work beside it is told by its signal, and stores nothing more.
      if (this.#failure !== undefined) throw this.#failure.error;
    }
    const { output } = this.#graph;
    return output === undefined ? fold.state : output(fold.state);
  }

  /** The fold is ahead of the log, so a task is started when the commit that scheduled it is durable, not before. */
  #startAll(): void {
    const wanted = new Set(this.#startable.map(({ id }) => id));
    this.#startable = [];
    if (wanted.size === 0) return;
    for (const task of graphTasks(this.#parts.scope.fold.bookkeeping) ?? []) {
      const isNew = wanted.has(task.id) && !this.#working.has(task.id);
      if (isNew && task.visit > 0) this.#start(task);
    }
  }

  #start(task: GraphTask): void {
    this.#working.add(task.id);
    const failed = (error: unknown): void => {
      this.#failure ??= { error };
    };
    const visit = this.#visit(task)
      .catch(failed)
      .finally(() => {
        this.#working.delete(task.id);
        this.#onChange();
      });
    detach(visit, failed);
  }

  async #visit(task: GraphTask): Promise<void> {
    const { scope, steps } = this.#parts;
    const node = this.#node(task);
    this.#checkCycles(node);
    const { retry, timeout, kind } = node;
    const name = taskStep(task);
    let scheduled: readonly GraphTask[] = [];
    await steps.run(name, (step) => this.#body(node, task, step), {
      ...(retry === undefined ? {} : { retry }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(kind === undefined ? {} : { kind }),
      mayWait: true,
      record: (visited, events) => {
        const { next, ...commit } = this.#record(node, task, visited as Visited, events);
        scheduled = next;
        return commit;
      },
    });
    this.#startable = [...this.#startable, ...scheduled];
    scope.names.release(name);
  }

  #node({ node }: GraphTask): NodeShape {
    const found = this.#graph.nodes.get(node);
    if (found !== undefined) return found;
    throw new DefinitionError(
      `Graph ${this.#graph.name}: the run is at node "${node}", which this version of the graph does not have. Put the node back, or cancel the run.`,
    );
  }

  #checkCycles({ id, cycleLimit }: NodeShape): void {
    const { run, fold } = this.#parts.scope;
    const { cycles } = nodeCount(fold.bookkeeping, id);
    if (cycles <= cycleLimit) return;
    throw new RunError(
      'PAWL_CYCLE_LIMIT',
      run,
      `Run ${run} has come to node "${id}" ${cycles} times, the limit is ${cycleLimit}. Raise cycles.limit of graph ${this.#graph.name}, or find out why it does not end.`,
    );
  }

  async #body(node: NodeShape, task: GraphTask, step: StepContext): Promise<Visited> {
    const { attempt, idempotencyKey, emit } = step;
    const prefix = taskStep(task) + nesting;
    const checkpoints: CheckpointOptions[] = [];
    const context = createContext(this.#parts, {
      signal: () => step.signal,
      prefix,
      within: bodyOf(step),
    });
    Object.assign(context, {
      node: node.id,
      visit: task.visit,
      args: task.args,
      input: this.#input,
      attempt,
      idempotencyKey,
      emit,
      set: () => {
        throw new DefinitionError(
          'A node changes the state by what it returns: { set: { … } }, in the commit that completes it.',
        );
      },
      // One visit completes once, so it has one checkpoint: the last call counts.
      checkpoint: (options: CheckpointOptions = {}) => {
        checkpoints.splice(0, 1, options);
      },
    });
    return { returned: await node.run(context, task.args), checkpoints };
  }

  /** Everything that a completed visit changes, as the events of one commit. */
  #record(
    node: NodeShape,
    task: GraphTask,
    { returned, checkpoints }: Visited,
    events: readonly Write[],
  ): {
    readonly next: readonly GraphTask[];
    readonly writes: readonly Write[];
    readonly mark?: CheckpointMark;
  } {
    const { scope, services } = this.#parts;
    const { fold, workflow } = scope;
    const { limits } = services;
    const outcome = checkOutcome(node, returned);
    const before = reduced(workflow, fold.state, events);
    const set = outcome.set && validPatch(workflow, before, this.#merged(before, outcome.set));
    const moves = this.#moves(node, { ...before, ...set }, outcome);
    const { next, joined } = planNext({
      map: this.#map,
      tasks: graphTasks(fold.bookkeeping) ?? [],
      completed: task,
      moves,
      visits: (id) => nodeCount(fold.bookkeeping, id).visits,
    });
    const completed: NodeCompletedData = {
      node: node.id,
      visit: task.visit,
      ...(set === undefined ? {} : { set }),
      ...(outcome.result === undefined ? {} : { result: outcome.result }),
      next,
      joined,
      ...(node.undo === undefined ? {} : { hasUndo: true }),
    };
    const data = encode(completed, `outcome of node ${node.id}`, limits.eventBytes);
    const write: Write = {
      type: 'node.completed',
      data,
      value: canonical(completed, data),
      // Events of parallel branches can be told apart in the log.
      ...(task.branch.length === 0 ? {} : { branch: task.id }),
    };
    const [asked] = checkpoints;
    if (asked === undefined) {
      const kept = this.#graph.keepsVisits ? { mark: { node: node.id } } : {};
      return { next, writes: [...events, write], ...kept };
    }
    const about = { ...asked, node: node.id, visit: task.visit };
    const { write: saved, mark } = checkpointWrite(about, limits);
    return { next, writes: [...events, write, saved], mark };
  }

  #merged(state: State, set: Record<string, unknown>): Record<string, unknown> {
    const { merge } = this.#graph;
    const entries = Object.entries(set).map(([key, value]) => {
      const mergeField = Object.hasOwn(merge, key) ? merge[key] : undefined;
      return [key, mergeField === undefined ? value : mergeField(state[key], value)] as const;
    });
    return Object.fromEntries(entries);
  }

  #moves(node: NodeShape, state: State, { goto, result }: Outcome): Move[] {
    const isGoto = goto !== undefined;
    const chosen = goto ?? node.edge?.choose(state, result) ?? [];
    const targets = Array.isArray(chosen)
      ? (chosen as readonly AnyTarget[])
      : [chosen as AnyTarget];
    const declared = isGoto ? node.to : node.edge?.to;
    return targets.flatMap((target) => {
      const id = targetNode(target);
      if (declared?.includes(id) === false) {
        throw new DefinitionError(
          `Node "${node.id}" leads to "${id}", but declares only: ${declared.join(', ')}. Add it to \`to\`.`,
        );
      }
      return id === 'end' ? [] : [this.#move(node, target, isGoto)];
    });
  }

  #move(from: NodeShape, target: AnyTarget, isGoto: boolean): Move {
    const id = targetNode(target);
    const { nodes, args: schemas } = this.#graph;
    if (!nodes.has(id)) {
      const known = [...nodes.keys(), 'end'].join(', ');
      throw new DefinitionError(`Node "${from.id}" leads to "${id}", which is none of: ${known}.`);
    }
    const schema = Object.hasOwn(schemas, id) ? schemas[id] : undefined;
    const given = typeof target === 'string' ? undefined : target.args;
    if (schema === undefined) {
      if (given === undefined) return { node: id, joins: !isGoto };
      throw new InvalidError(
        `args of node ${id}`,
        'are given, but the graph has no schema for them.',
      );
    }
    return { node: id, args: validate(schema, given, `args of node ${id}`), joins: false };
  }
}

function checkOutcome({ id }: NodeShape, returned: unknown): Outcome {
  if (returned === undefined) return {};
  const known = ['set', 'result', 'goto'];
  const isOutcome =
    typeof returned === 'object' &&
    returned !== null &&
    !Array.isArray(returned) &&
    Object.keys(returned).every((key) => known.includes(key));
  if (isOutcome) return returned;
  throw new DefinitionError(
    `Node "${id}" must return nothing, or an object of ${known.join(', ')}.`,
  );
}
