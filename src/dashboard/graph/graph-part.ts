/** A graph as a picture, with where its run stands: what is at work or waits at a join, and how often each node was done. */
import { html } from 'hono/html';
import type { GraphShape } from '../../engine/definition/graph-shape.ts';
import { toMermaid } from '../../engine/graph/mermaid.ts';
import type { GraphRecord } from '../../engine/runs/graph-record.ts';
import type { Html } from '../html.ts';
import { count } from '../parts.ts';
import { visible } from '../words.ts';
import { type DrawnNode, endNode, labelLength, layOut, nodeHeight } from './graph-layout.ts';

/** A picture of more would help nobody. */
const nodesMax = 200;

export function graphPart(graph: GraphShape, position: GraphRecord | undefined): Html {
  const mermaid = html`<details>
    <summary>As Mermaid text</summary>
    <pre tabindex="0">${visible(toMermaid({ graph }, position))}</pre>
  </details>`;
  const picture = graph.nodes.size > nodesMax ? html`` : drawing(graph, position);
  return html`<h2 id="graph">Graph</h2>
    ${position === undefined ? html`<p class="dim">This code cannot tell where the run stands.</p>` : positionText(position)}
    ${picture} ${mermaid}`;
}

function positionText({ pending, steps }: GraphRecord): Html {
  const done = count(steps, 'visit');
  if (pending.length === 0) return html`<p>At its end, after ${done}.</p>`;
  const shown = pending
    .slice(0, 10)
    .map(({ node, status, visit }) =>
      status === 'joining'
        ? `${node} (waits for other branches)`
        : `${node}${visit > 1 ? ` #${visit}` : ''}`,
    );
  const more = pending.length > 10 ? ` and ${pending.length - 10} more` : '';
  return html`<p>
    Now at <b><bdi>${visible(shown.join(', '))}</bdi></b
    >${more}, after ${done}.
  </p>`;
}

function drawing(graph: GraphShape, position: GraphRecord | undefined): Html {
  const { nodes, edges, width, height } = layOut(graph);
  const start = nodes.find(({ id }) => id === graph.start);
  const words = `Graph of ${count(graph.nodes.size, 'node')}, begins at ${visible(graph.start)}`;
  return html`<div class="graph" tabindex="0" role="region" aria-label="Picture of the graph">
    <svg
      viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}"
      width="${Math.ceil(width)}"
      height="${Math.ceil(height)}"
      role="img"
      aria-label="${words}"
    >
      <defs>
        <marker
          id="tip"
          viewBox="0 0 8 8"
          refX="2"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          orient="auto"
        >
          <path d="M0 0 L8 4 L0 8 Z" class="tip" />
        </marker>
      </defs>
      ${edges.map(
        ({ path, isDotted }) =>
          html`<path
            class="edge${isDotted ? ' dotted' : ''}"
            d="${path}"
            marker-end="url(#tip)"
          />`,
      )}
      ${nodes.map((node) => nodePart(node, node === start, position))}
    </svg>
  </div>`;
}

function nodePart(node: DrawnNode, isStart: boolean, position: GraphRecord | undefined): Html {
  const { id, x, y, width } = node;
  if (id === endNode) {
    const isHere = position?.pending.length === 0;
    return html`<g class="node finish${isHere ? ' here' : ''}">
      <title>the end</title>
      <rect
        x="${x - width / 2}"
        y="${y - nodeHeight / 2}"
        width="${width}"
        height="${nodeHeight}"
        rx="20"
      />
      <text x="${x}" y="${y + 5}">end</text>
    </g>`;
  }
  const known = position?.nodes[id];
  const done = known?.completed ?? 0;
  const tasks = position?.pending.filter((task) => task.node === id) ?? [];
  const isHere = tasks.some(({ status }) => status === 'ready');
  const isJoining = !isHere && tasks.length > 0;
  const kind = isHere ? 'here' : isJoining ? 'joining' : done > 0 ? 'completed' : 'untouched';
  const sign = isHere ? '▶ ' : isJoining ? '⋈ ' : isStart && done === 0 ? '○ ' : '';
  const label = visible(id.length > labelLength ? `${id.slice(0, labelLength - 1)}…` : id);
  const counted = done === 0 ? '' : ` ×${done}`;
  return html`<g class="node ${kind}">
    <title>
      ${visible(id)}: ${count(done, 'visit')}
      done${isHere ? ', at work now' : ''}${isJoining ? ', waits for other branches' : ''}
    </title>
    <rect
      x="${x - width / 2}"
      y="${y - nodeHeight / 2}"
      width="${width}"
      height="${nodeHeight}"
      rx="6"
    />
    <text x="${x}" y="${y + 5}">${sign}${label}${counted}</text>
  </g>`;
}
