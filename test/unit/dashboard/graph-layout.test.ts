// Goal: a graph is drawn from the top down, without nodes on each other or edges through nodes. Method: layouts of graphs.
import { expect, test } from 'vitest';
import { defineGraph } from 'pawl';
import { type DrawnGraph, layOut, nodeHeight } from '../../../src/dashboard/graph/graph-layout.ts';

const nothing = (): void => undefined;

function layoutOf(definition: object): DrawnGraph {
  const graph = defineGraph({ name: 'drawn', ...definition } as never) as unknown as {
    readonly graph: Parameters<typeof layOut>[0];
  };
  return layOut(graph.graph);
}

function expectApart({ nodes, width, height }: DrawnGraph): void {
  for (const [i, a] of nodes.entries()) {
    expect(a.x - a.width / 2).toBeGreaterThanOrEqual(0);
    expect(a.x + a.width / 2).toBeLessThanOrEqual(width);
    expect(a.y + nodeHeight / 2).toBeLessThanOrEqual(height);
    for (const b of nodes.slice(i + 1)) {
      const isOver =
        Math.abs(a.y - b.y) < nodeHeight && Math.abs(a.x - b.x) < (a.width + b.width) / 2;
      expect(isOver, `${a.id} on ${b.id}`).toBe(false);
    }
  }
}

test('branches stand beside each other, a join below the furthest, and a circle leads back', () => {
  const drawn = layoutOf({
    start: 'plan',
    nodes: { plan: nothing, search: nothing, read: nothing, sum: nothing, join: nothing },
    edges: {
      plan: ['search', 'read'],
      search: 'sum',
      sum: 'join',
      read: 'join',
      join: { to: ['plan', 'end'], when: () => 'end' },
    },
  });
  const y = Object.fromEntries(drawn.nodes.map((node) => [node.id, node.y]));
  expect(y['search']).toBe(y['read']);
  expect([y['plan'], y['search'], y['sum'], y['join'], y['end']]).toEqual(
    [0, 1, 2, 3, 4].map((row) => 16 + 20 + row * 84),
  );
  expectApart(drawn);
  const back = drawn.edges.find(({ from, to }) => from === 'join' && to === 'plan');
  expect(back?.isDotted).toBe(true);
  expect(drawn.edges).toHaveLength(7);
});

test('nodes that only code leads to hang below those that do not say where they lead', () => {
  const drawn = layoutOf({
    start: 'choose',
    nodes: { choose: nothing, work: nothing },
    edges: { work: 'end' },
  });
  expect(drawn.edges.map(({ from, to, isDotted }) => [from, to, isDotted])).toEqual([
    ['work', 'end', false],
    ['choose', 'work', true],
  ]);
});

test('a node that leads to itself, and a chain of a hundred', () => {
  expectApart(
    layoutOf({
      start: 'a',
      nodes: { a: nothing },
      edges: { a: { to: ['a', 'end'], when: () => 'end' } },
    }),
  );
  const ids = Array.from({ length: 100 }, (_, i) => `n${i}`);
  const nodes = Object.fromEntries(ids.map((id) => [id, nothing]));
  const edges = Object.fromEntries(ids.map((id, i) => [id, ids[i + 1] ?? 'end']));
  expectApart(layoutOf({ start: 'n0', nodes, edges }));
});
