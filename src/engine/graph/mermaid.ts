/** Graphs as Mermaid diagrams, for documents, terminals and the dashboard. */
import { InvalidError } from '../../core/errors.ts';
import type { GraphShape, NodeShape } from '../definition/graph-shape.ts';
import type { GraphRecord } from '../runs/graph-record.ts';

/** What is marked in a diagram; `await run.graph()` fits. */
export type Position = Pick<GraphRecord, 'pending' | 'completed' | 'nodes'>;

/**
 * The graph as the text of a Mermaid flowchart. Edges are drawn through; declared targets of conditions and gotos dotted.
 * With a position, nodes that are pending and nodes that have completed are marked, with the number of completed visits.
 */
export function toMermaid(graph: { readonly graph: GraphShape }, position?: Position): string {
  const shape: unknown = (graph as Partial<typeof graph> | undefined)?.graph;
  if (typeof shape !== 'object')
    throw new InvalidError('graph', 'must be what defineGraph returns.');
  const { nodes, start } = graph.graph;
  // Ids of their own: Mermaid has reserved words, "end" among them.
  const ids = new Map([...nodes.keys()].map((node, i) => [node, `n${i}`]));
  const idOf = (node: string): string => ids.get(node) ?? 'finish';
  const lines = ['flowchart TD', '  begin(( )) --> ' + idOf(start)];
  for (const node of nodes.values()) lines.push(`  ${idOf(node.id)}["${label(node, position)}"]`);
  lines.push('  finish([end])');
  for (const node of nodes.values()) {
    for (const way of waysOut(node)) lines.push(`  ${idOf(node.id)} ${way.arrow} ${idOf(way.to)}`);
  }
  if (position !== undefined) lines.push(...marks(position, idOf));
  return `${lines.join('\n')}\n`;
}

function label({ id }: NodeShape, position: Position | undefined): string {
  const completed = position?.nodes[id]?.completed ?? 0;
  return completed > 1 ? `${id} ×${completed}` : id;
}

function waysOut({ edge, to }: NodeShape): { readonly arrow: string; readonly to: string }[] {
  const arrow = edge?.isConditional === true ? '-.->' : '-->';
  const ways = new Map((edge?.to ?? []).map((target) => [target, arrow]));
  for (const target of to ?? []) if (!ways.has(target)) ways.set(target, '-.->');
  // Without any declared way the branch ends here, or goes where only its code knows.
  const isUndeclared = edge === undefined ? to === undefined : edge.to === undefined;
  if (isUndeclared && ways.size === 0) ways.set('end', '-. ? .->');
  return [...ways].map(([target, drawn]) => ({ to: target, arrow: drawn }));
}

function marks(position: Position, idOf: (node: string) => string): string[] {
  const pending = new Set(position.pending.map(({ node }) => node));
  const completed = position.completed.filter((node) => !pending.has(node));
  const lines = [
    '  classDef pending fill:#ffd54f,stroke:#b28704,color:#000',
    '  classDef completed fill:#c8e6c9,stroke:#4c8c4a,color:#000',
  ];
  if (pending.size > 0) lines.push(`  class ${[...pending].map(idOf).join(',')} pending`);
  else lines.push('  class finish pending');
  if (completed.length > 0) lines.push(`  class ${completed.map(idOf).join(',')} completed`);
  return lines;
}
