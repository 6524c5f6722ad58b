// Goal: joins wait for whom they must and for nobody else. Method: the planner alone, tasks completed in every order.
import { describe, expect, test } from 'vitest';
import type { GraphTask } from '../../../../src/core/graph.ts';
import { type GraphMap, planNext } from '../../../../src/engine/graph/graph-plan.ts';

type Edges = Readonly<Record<string, readonly string[]>>;

function mapOf(edges: Edges, anywhere: readonly string[] = []): GraphMap {
  return {
    successors: (node) => ({ nodes: edges[node] ?? [], anywhere: anywhere.includes(node) }),
    edgesTo: (node) => Object.values(edges).filter((targets) => targets.includes(node)).length,
  };
}

/** Goes through a graph by its edges, completing ready tasks in the order that `choose` gives; returns the visits. */
function walk(edges: Edges, choose: (ready: readonly string[]) => number, stepsMax = 60): string[] {
  const map = mapOf(edges);
  const visits = new Map([['start', 1]]);
  const order: string[] = [];
  let tasks: GraphTask[] = [{ id: 'start:1', node: 'start', visit: 1, branch: [] }];
  for (let step = 0; step < stepsMax && tasks.length > 0; step++) {
    const ready = tasks.filter(({ visit }) => visit > 0);
    const completed = ready[choose(ready.map(({ id }) => id)) % ready.length];
    if (completed === undefined) throw new Error('stuck');
    order.push(completed.id);
    const moves = (edges[completed.node] ?? []).map((node) => ({ node, joins: true }));
    const visitsOf = (node: string): number => visits.get(node) ?? 0;
    const { next, joined } = planNext({ map, tasks, completed, moves, visits: visitsOf });
    const left = new Map(tasks.map((task) => [task.id, task]));
    for (const id of [completed.id, ...joined]) left.delete(id);
    for (const task of next) {
      left.set(task.id, task);
      visits.set(task.node, Math.max(visits.get(task.node) ?? 0, task.visit));
    }
    tasks = [...left.values()];
  }
  return order;
}

/** A generator of choices that is the same for the same seed. */
function choices(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state >>> 8;
  };
}

describe.each(Array.from({ length: 40 }, (_, seed) => [seed]))('order %i', (seed) => {
  const once = (edges: Edges): void => {
    const order = walk(edges, choices(seed));
    const nodes = new Set(['start', ...Object.values(edges).flat()]);
    expect([...order].sort()).toEqual([...nodes].map((node) => `${node}:1`).sort());
    for (const [node, targets] of Object.entries(edges)) {
      for (const target of targets) {
        expect(order.indexOf(`${node}:1`)).toBeLessThan(order.indexOf(`${target}:1`));
      }
    }
  };

  test('graphs without cycles go to every node once, and to none before those that lead to it', () => {
    once({ start: ['a', 'b'], a: ['join'], b: ['join'] });
    once({ start: ['a', 'b'], a: ['a1', 'a2'], a1: ['aj'], a2: ['aj'], aj: ['j'], b: ['j'] });
    once({ start: ['a', 'b'], a: ['a1', 'a2'], a1: ['j'], a2: ['j'], b: ['j'], j: ['after'] });
    once({ start: ['a', 'b', 'c'], a: ['x'], b: ['x'], x: ['y'], c: ['y'] });
    once({ start: ['a', 'b'], a: ['m', 'n'], b: ['m', 'n'], m: ['o'], n: ['o'] });
  });

  test('cycles through a fork join once in each round', () => {
    const edges = { start: ['a', 'b'], a: ['s'], s: ['j'], b: ['j'], j: ['start'] };
    const order = walk(edges, choices(seed), 50);
    for (let round = 0; round < 10; round++) {
      const names = order.slice(round * 5, round * 5 + 5);
      expect([...names].sort()).toEqual(
        ['a', 'b', 'j', 's', 'start'].map((n) => `${n}:${round + 1}`),
      );
    }
  });
});

describe('rules', () => {
  const ready = (node: string, branch: readonly string[]): GraphTask => ({
    id: `${node}:1`,
    node,
    visit: 1,
    branch,
  });
  const visits = (): number => 1;

  test('a branch that may go anywhere is waited for where edges meet, and only there', () => {
    const map = mapOf({ a: ['j'], c: ['j'], d: ['k'] }, ['b']);
    const tasks = [ready('a', ['f:1']), ready('b', ['f:1'])];
    const moves = [{ node: 'j', joins: true }];
    const params = { map, tasks, moves, visits };
    expect(planNext({ ...params, completed: ready('a', ['f:1']) })).toEqual({
      next: [{ id: 'a:1>j', node: 'j', visit: 0, branch: ['f:1'] }],
      joined: [],
    });
    const chain = { ...params, moves: [{ node: 'k', joins: true }] };
    expect(planNext({ ...chain, completed: ready('a', ['f:1']) })).toEqual({
      next: [{ id: 'k:2', node: 'k', visit: 2, branch: ['f:1'] }],
      joined: [],
    });
  });

  test('the last branch left is none any more, so forks inside of forks do not add up', () => {
    const tasks = [ready('a', ['f:1']), ready('b', ['f:1'])];
    const params = { map: mapOf({}), tasks, moves: [], visits };
    expect(planNext({ ...params, completed: ready('a', ['f:1']) })).toEqual({
      next: [ready('b', [])],
      joined: [],
    });
  });

  test('branches that wait for each other do not wait for ever', () => {
    const map = mapOf({ x: ['y'], y: ['x'] });
    const waiting = { id: 'a:1>x', node: 'x', visit: 0, branch: ['f:1'] };
    const completed = ready('b', ['f:1']);
    const moves = [{ node: 'y', joins: true }];
    const { next } = planNext({ map, tasks: [waiting, completed], completed, moves, visits });
    expect(next.filter(({ visit }) => visit > 0)).toHaveLength(1);
  });
});
