/**
 * Where the nodes and edges of a graph are drawn: rows from the start downwards, each node one row below the furthest that
 * leads to it. An edge that passes rows has a place of its own in each of them, so that it crosses no node. One that leads
 * back up is drawn around the right side. Pure.
 */
import type { GraphShape, NodeShape } from '../../engine/definition/graph-shape.ts';

export interface DrawnNode {
  readonly id: string;
  /** Its middle. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  /** Of a path in an SVG. */
  readonly path: string;
  /** A condition decides about it, or only the code of the node knows. */
  readonly isDotted: boolean;
}

export interface DrawnGraph {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

/** What the end of a graph is called in a drawing; no node has the name. */
export const endNode = 'end';
export const nodeHeight = 40;
export const labelLength = 26;

const rowGap = 44;
const columnGap = 28;
const letterWidth = 7.6;
const widthMin = 84;
const passingWidth = 8;
const margin = 16;
/** Between two edges that lead back. */
const backGap = 14;

interface Way {
  readonly from: string;
  readonly to: string;
  readonly isDotted: boolean;
}

function declared({ id, edge, to }: NodeShape): Way[] {
  const isDotted = edge?.isConditional === true;
  const ways = new Map((edge?.to ?? []).map((target) => [target, isDotted]));
  for (const target of to ?? []) if (!ways.has(target)) ways.set(target, true);
  return [...ways].map(([target, dotted]) => ({ from: id, to: target, isDotted: dotted }));
}

/** A node that does not say where it leads may lead to those that nobody else leads to, or to the end. */
function waysOf({ nodes, start }: GraphShape): readonly Way[] {
  const known = [...nodes.values()].flatMap(declared);
  const led = new Set([start, ...known.map(({ to }) => to)]);
  const orphans = [...nodes.keys()].filter((id) => !led.has(id));
  const open = [...nodes.values()].filter(({ edge, to }) => {
    return edge === undefined ? to === undefined : edge.to === undefined && to === undefined;
  });
  const guessed = open.flatMap(({ id: from }) => {
    const targets = orphans.filter((id) => id !== from);
    return (targets.length === 0 ? [endNode] : targets).map((to) => ({ from, to, isDotted: true }));
  });
  return [...known, ...guessed];
}

export function layOut(graph: GraphShape): DrawnGraph {
  const ways = waysOf(graph);
  const hasEnd = ways.some(({ to }) => to === endNode);
  const ids = [...graph.nodes.keys(), ...(hasEnd ? [endNode] : [])];
  const rowOf = ranks(graph.start, ids, ways);
  const rows: string[][] = [];
  const addTo = (row: number, id: string): void => {
    while (rows.length <= row) rows.push([]);
    rows[row]?.push(id);
  };
  for (const id of ids) addTo(rowOf.get(id) ?? 0, id);
  // What comes to a place of a row from the row above.
  const above = new Map<string, string[]>();
  const chains = ways.map((way, i): readonly string[] => {
    const [first, last] = [rowOf.get(way.from) ?? 0, rowOf.get(way.to) ?? 0];
    if (last <= first) return [];
    const between = Array.from({ length: last - first - 1 }, (_, n) => `\0${i}:${n}`);
    for (const [n, passing] of between.entries()) addTo(first + 1 + n, passing);
    const chain = [way.from, ...between, way.to];
    for (const [n, id] of chain.slice(1).entries()) {
      above.set(id, [...(above.get(id) ?? []), chain[n] ?? '']);
    }
    return chain;
  });
  sortRows(rows, above);
  const placed = place(rows);
  const right = Math.max(...[...placed.values()].map((node) => node.x + node.width / 2)) + margin;
  let backs = 0;
  const edges = ways.flatMap((way, i): DrawnEdge[] => {
    const points = (chains[i] ?? []).flatMap((id) => placed.get(id) ?? []);
    if (points.length > 1) return [{ ...way, path: pathDown(points) }];
    const [from, to] = [placed.get(way.from), placed.get(way.to)];
    if (from === undefined || to === undefined) return [];
    backs += 1;
    return [{ ...way, path: pathBack(from, to, right + backs * backGap) }];
  });
  return {
    width: right + (backs === 0 ? 0 : (backs + 1) * backGap),
    height: rows.length * (nodeHeight + rowGap) - rowGap + 2 * margin,
    nodes: ids.flatMap((id) => placed.get(id) ?? []),
    edges,
  };
}

/** The row of each node; edges that would close a circle do not count. */
function ranks(start: string, ids: readonly string[], ways: readonly Way[]): Map<string, number> {
  const next = new Map<string, string[]>();
  for (const { from, to } of ways) next.set(from, [...(next.get(from) ?? []), to]);
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const forward = new Map<string, string[]>();
  // Without recursion: a graph may be a chain of thousands.
  const visit = (root: string): void => {
    const stack: { readonly id: string; at: number }[] = [{ id: root, at: 0 }];
    state.set(root, 'open');
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const to = next.get(top.id)?.[top.at];
      top.at += 1;
      if (to === undefined) {
        state.set(top.id, 'done');
        order.push(top.id);
        stack.pop();
      } else if (state.get(to) !== 'open') {
        forward.set(top.id, [...(forward.get(top.id) ?? []), to]);
        if (!state.has(to)) {
          state.set(to, 'open');
          stack.push({ id: to, at: 0 });
        }
      }
    }
  };
  visit(start);
  for (const id of ids) if (!state.has(id)) visit(id);
  const row = new Map<string, number>();
  for (const id of order.toReversed()) {
    const own = row.get(id) ?? 0;
    row.set(id, own);
    for (const to of forward.get(id) ?? []) row.set(to, Math.max(row.get(to) ?? 0, own + 1));
  }
  return row;
}

/** Each row in the order of what leads to it, so that few edges cross. */
function sortRows(rows: string[][], above: ReadonlyMap<string, readonly string[]>): void {
  for (const [i, row] of rows.entries()) {
    const before = rows[i - 1];
    if (before === undefined) continue;
    const places = new Map(before.map((id, at) => [id, at]));
    const weight = (id: string): number => {
      const from = (above.get(id) ?? []).flatMap((one) => places.get(one) ?? []);
      return from.length === 0 ? 0 : from.reduce((sum, at) => sum + at, 0) / from.length;
    };
    row.sort((a, b) => weight(a) - weight(b));
  }
}

function widthOf(id: string): number {
  if (id.startsWith('\0')) return passingWidth;
  const letters = Math.min(id.length, labelLength) + 4;
  return Math.max(widthMin, letters * letterWidth + 20);
}

function place(rows: readonly (readonly string[])[]): Map<string, DrawnNode> {
  const widths = rows.map((row) =>
    row.reduce((sum, id) => sum + widthOf(id) + columnGap, -columnGap),
  );
  const widest = Math.max(...widths);
  const placed = new Map<string, DrawnNode>();
  for (const [i, row] of rows.entries()) {
    let left = margin + (widest - (widths[i] ?? 0)) / 2;
    const y = margin + i * (nodeHeight + rowGap) + nodeHeight / 2;
    for (const id of row) {
      const width = widthOf(id);
      placed.set(id, { id, x: left + width / 2, y, width });
      left += width + columnGap;
    }
  }
  return placed;
}

/** From the lower side of the first, through the places in between, to the upper side of the last. */
function pathDown(points: readonly DrawnNode[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let [x, y] = [first.x, first.y + nodeHeight / 2];
  let path = `M${x} ${y}`;
  for (const [i, next] of rest.entries()) {
    const isLast = i === rest.length - 1;
    const top = next.y - nodeHeight / 2 - (isLast ? 6 : 0);
    const bend = (top - y) / 2;
    path += ` C${x} ${y + bend} ${next.x} ${top - bend} ${next.x} ${top}`;
    [x, y] = [next.x, top];
    if (!isLast) {
      y += nodeHeight;
      path += ` L${x} ${y}`;
    }
  }
  return path;
}

function pathBack(from: DrawnNode, to: DrawnNode, x: number): string {
  const x1 = from.x + from.width / 2;
  const x2 = to.x + to.width / 2 + 6;
  // A curve comes as far as three quarters of the way to where it is drawn to.
  const pull = Math.min(x1, x2) + (x - Math.min(x1, x2)) / 0.75;
  const lift = from.id === to.id ? nodeHeight / 4 : 0;
  return `M${x1} ${from.y + lift} C${pull} ${from.y + lift} ${pull} ${to.y - lift} ${x2} ${to.y - lift}`;
}
