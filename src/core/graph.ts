/**
 * Where a graph stands, as part of the fold's bookkeeping:
 *
 *   graph:tasks          GraphTask[]: nodes at work or ready for it, and branches that wait at a join
 *   graph:count:<node>   NodeCount
 *   graph:result:<node>  NodeResult: the last one
 *   graph:steps          number: node executions that have completed
 *
 * One entry for each node, whatever the number of visits: what a visit left behind leaves the bookkeeping when it completes.
 */
import { noteUndoOfNode } from './undo.ts';

/** A node that is to be executed, or a branch that waits until others have come to the same node. */
export interface GraphTask {
  /** `<node>:<visit>`, or `<task>><node>` while it waits at a join. */
  readonly id: string;
  readonly node: string;
  /** Which execution of the node this is, from 1; 0 while it waits at a join. */
  readonly visit: number;
  readonly args?: unknown;
  /** Tasks that started the parallel branches this one is part of, the outermost first. */
  readonly branch: readonly string[];
}

/** `node.scheduled`: the first node of a graph is to be executed. */
export interface NodeScheduledData {
  readonly next: readonly GraphTask[];
}

/** `node.completed`: a node's result, its change of the state and what comes next, in one event. */
export interface NodeCompletedData {
  readonly node: string;
  readonly visit: number;
  /** New values of top-level fields of the state. */
  readonly set?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  /** Tasks that are new or have changed. */
  readonly next: readonly GraphTask[];
  /** Ids of waiting branches that went on together, as one of `next`. */
  readonly joined: readonly string[];
  /** Its code says how to undo it. */
  readonly hasUndo?: true;
}

export interface NodeCount {
  /** Executions begun, or about to be. */
  readonly visits: number;
  /** How often the graph came to the node; parallel tasks that one node started count as one. */
  readonly cycles: number;
  readonly completed: number;
}

export interface NodeResult {
  readonly visit: number;
  readonly result?: unknown;
}

/** Name of the step that a task is executed as. */
export function taskStep({ node, visit }: { node: string; visit: number }): string {
  return `node:${node}:${visit}`;
}

/** The node of a step that a task is executed as; undefined for any other step. */
export function nodeOfTaskStep(step: string): string | undefined {
  return /^node:(.+):\d+$/.exec(step)?.[1];
}

type Bookkeeping = ReadonlyMap<string, unknown>;

/** The part of the fold that events of graphs change. */
interface GraphFold {
  readonly seq: number;
  readonly bookkeeping: Bookkeeping;
  remember(field: string, value: unknown): void;
  forgetInside(step: string): void;
  patch(patch: Readonly<Record<string, unknown>>): void;
}

/** The tasks of a graph; undefined before its first. */
export function graphTasks(bookkeeping: Bookkeeping): readonly GraphTask[] | undefined {
  return bookkeeping.get('graph:tasks') as readonly GraphTask[] | undefined;
}

export function nodeCount(bookkeeping: Bookkeeping, node: string): NodeCount {
  const count = bookkeeping.get(`graph:count:${node}`) as NodeCount | undefined;
  return count ?? { visits: 0, cycles: 0, completed: 0 };
}

export function nodeResult(bookkeeping: Bookkeeping, node: string): NodeResult | undefined {
  return bookkeeping.get(`graph:result:${node}`) as NodeResult | undefined;
}

export function graphSteps(bookkeeping: Bookkeeping): number {
  return (bookkeeping.get('graph:steps') as number | undefined) ?? 0;
}

function schedule(fold: GraphFold, next: readonly GraphTask[], gone: ReadonlySet<string>): void {
  const tasks = new Map<string, GraphTask>();
  for (const task of graphTasks(fold.bookkeeping) ?? []) {
    if (!gone.has(task.id)) tasks.set(task.id, task);
  }
  const begun = new Map<string, number>();
  for (const task of next) {
    if (task.visit > 0 && !tasks.has(task.id)) begun.set(task.node, task.visit);
    tasks.set(task.id, task);
  }
  for (const [node, visit] of begun) {
    const count = nodeCount(fold.bookkeeping, node);
    const visits = Math.max(visit, count.visits);
    fold.remember(`graph:count:${node}`, { ...count, visits, cycles: count.cycles + 1 });
  }
  fold.remember('graph:tasks', [...tasks.values()]);
}

/** What events of graphs do to the bookkeeping. */
export const rememberedOfGraphs: Readonly<
  Record<string, (fold: GraphFold, data: unknown) => void>
> = {
  'node.scheduled': (fold, data) => schedule(fold, (data as NodeScheduledData).next, new Set()),
  'node.completed': (fold, data) => {
    const { node, visit, set, result, next, joined, hasUndo } = data as NodeCompletedData;
    const step = taskStep({ node, visit });
    if (hasUndo === true) {
      const task = graphTasks(fold.bookkeeping)?.find(({ id }) => id === `${node}:${visit}`);
      noteUndoOfNode(fold, step, { visit, args: task?.args, result });
    }
    fold.forgetInside(step);
    fold.remember(`step:${step}`, undefined);
    const count = nodeCount(fold.bookkeeping, node);
    fold.remember(`graph:count:${node}`, { ...count, completed: count.completed + 1 });
    const last: NodeResult = { visit, ...(result === undefined ? {} : { result }) };
    fold.remember(`graph:result:${node}`, last);
    fold.remember('graph:steps', graphSteps(fold.bookkeeping) + 1);
    schedule(fold, next, new Set([...joined, `${node}:${visit}`]));
    if (set !== undefined) fold.patch(set);
  },
};
