/** A graph's run as it can be looked at, from outside and at any time. */
import type { Fold } from '../../core/fold.ts';
import { graphSteps, type GraphTask, graphTasks, nodeCount, nodeResult } from '../../core/graph.ts';
import type { GraphShape } from '../definition/graph-shape.ts';

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
  readonly nodes: Readonly<Record<string, NodeRecord>>;
}

export interface NodeRecord {
  /** Executions begun, or about to be. */
  readonly visits: number;
  /** How often the graph came to the node; parallel tasks that one node started count as one. */
  readonly cycles: number;
  readonly completed: number;
  /** Of the visit that completed last. */
  readonly result: unknown;
}

export interface PendingTask {
  readonly id: string;
  readonly node: string;
  /** From 1; 0 while it waits at a join for other branches. */
  readonly visit: number;
  readonly args: unknown;
  readonly status: 'ready' | 'joining';
  /** Tasks that started the parallel branches this one is part of, the outermost first. */
  readonly branch: readonly string[];
}

export function graphRecord(graph: GraphShape, version: number, fold: Fold): GraphRecord {
  const { memory, seq } = fold;
  const first: GraphTask = { id: `${graph.start}:1`, node: graph.start, visit: 1, branch: [] };
  const nodes = [...graph.nodes.keys()].map((id): [string, NodeRecord] => {
    return [id, { ...nodeCount(memory, id), result: nodeResult(memory, id)?.result }];
  });
  return {
    version,
    seq,
    steps: graphSteps(memory),
    completed: nodes.filter(([, { completed }]) => completed > 0).map(([id]) => id),
    pending: (graphTasks(memory) ?? [first]).map((task) => ({
      ...task,
      args: task.args,
      status: task.visit === 0 ? 'joining' : 'ready',
    })),
    nodes: Object.fromEntries(nodes),
  };
}
