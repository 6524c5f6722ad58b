/** A graph's run as it can be looked at, from outside and at any time. */
import type { Fold } from '../../core/fold.ts';
import { graphSteps, type GraphTask, graphTasks, nodeCount, nodeResult } from '../../core/graph.ts';
import type { GraphShape } from '../definition/graph-shape.ts';

/** Where a run of a graph stands. */
export interface GraphRecord {
  /** The version of the graph, and of the schema of its state. */
  readonly version: number;
  /** The event up to which this is true. */
  readonly seq: number;
  /** Node executions that have completed. */
  readonly steps: number;
  /** Nodes that have completed at least once, in the order of their definition. */
  readonly completed: readonly string[];
  /** What is at work, about to be, or waiting at a join. Empty at the end. */
  readonly pending: readonly PendingTask[];
  /** Every node of the graph by its id, also those that the run has not come to. */
  readonly nodes: Readonly<Record<string, NodeRecord>>;
}

/** What a run has done with one node. */
export interface NodeRecord {
  /** Executions begun, or about to be. */
  readonly visits: number;
  /** How often the graph came to the node; parallel tasks that one node started count as one. */
  readonly cycles: number;
  /** Visits that have completed. */
  readonly completed: number;
  /** Of the visit that completed last. */
  readonly result: unknown;
}

/** A task that a run has still to do. */
export interface PendingTask {
  /** Names the task within its run; it stays the same over attempts and take-overs. */
  readonly id: string;
  /** The id of the node that it executes. */
  readonly node: string;
  /** From 1; 0 while it waits at a join for other branches. */
  readonly visit: number;
  /** What its target gave it; undefined for a node without arguments. */
  readonly args: unknown;
  /** `ready`: at work, or about to be. `joining`: it waits for other branches. */
  readonly status: 'ready' | 'joining';
  /** Tasks that started the parallel branches this one is part of, the outermost first. */
  readonly branch: readonly string[];
}

export function graphRecord(graph: GraphShape, version: number, fold: Fold): GraphRecord {
  const { bookkeeping, seq } = fold;
  const first: GraphTask = { id: `${graph.start}:1`, node: graph.start, visit: 1, branch: [] };
  const nodes = [...graph.nodes.keys()].map((id): [string, NodeRecord] => {
    return [id, { ...nodeCount(bookkeeping, id), result: nodeResult(bookkeeping, id)?.result }];
  });
  return {
    version,
    seq,
    steps: graphSteps(bookkeeping),
    completed: nodes.filter(([, { completed }]) => completed > 0).map(([id]) => id),
    pending: (graphTasks(bookkeeping) ?? [first]).map((task) => ({
      ...task,
      args: task.args,
      status: task.visit === 0 ? 'joining' : 'ready',
    })),
    nodes: Object.fromEntries(nodes),
  };
}
