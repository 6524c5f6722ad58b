/** What is known of a graph's ways before it runs: its edges, and what conditions and gotos declare. */
import type { AnyTarget, GraphShape } from '../definition/graph-shape.ts';
import type { GraphMap } from './graph-plan.ts';

/** The node a target names; `end` for the end. */
export function targetNode(target: AnyTarget): string {
  return typeof target === 'string' ? target : target.node;
}

export function mapOf(graph: GraphShape): GraphMap {
  const edgesTo = new Map<string, number>();
  for (const { edge } of graph.nodes.values()) {
    for (const target of new Set(edge?.to)) edgesTo.set(target, (edgesTo.get(target) ?? 0) + 1);
  }
  return {
    successors(id) {
      const node = graph.nodes.get(id);
      if (node === undefined) return { nodes: [], anywhere: true };
      const { edge, to } = node;
      const nodes = [...(to ?? []), ...(edge?.to ?? [])].filter((target) => target !== 'end');
      // A node with an edge is taken to follow it, unless it declares other ways.
      const anywhere = edge === undefined ? to === undefined : edge.to === undefined;
      return { nodes, anywhere };
    },
    edgesTo: (node) => edgesTo.get(node) ?? 0,
  };
}
