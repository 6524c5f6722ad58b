/**
 * Random graphs: layers of nodes that run side by side. A node writes a line, asks once or twice, fails the first time, or
 * has a graph of its own inside. What a graph comes to depends on nothing but itself.
 */
import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';

export interface NodePlan {
  readonly name: string;
  readonly asks: 0 | 1 | 2;
  /** How often it fails before it succeeds. */
  readonly fails: number;
  /** Before or behind its questions. */
  readonly failsFirst: boolean;
  readonly inside: GraphPlan | undefined;
}
export type GraphPlan = readonly (readonly NodePlan[])[];

export const State = Annotation.Root({
  lines: Annotation<string[]>({ reducer: (all, more) => all.concat(more), default: () => [] }),
});

export function randomPlan(random: () => number, depth = 0): GraphPlan {
  const below = (count: number): number => Math.floor(random() * count);
  return Array.from({ length: 1 + below(depth === 0 ? 4 : 2) }, (_, layer) =>
    Array.from({ length: 1 + below(3) }, (__, place): NodePlan => {
      const isInner = depth < 1 && below(4) === 0;
      return {
        name: `${'abc'[depth]}${layer}${place}`,
        asks: below(3) === 0 ? (below(2) === 0 ? 1 : 2) : 0,
        fails: below(4) === 0 ? 1 + below(2) : 0,
        failsFirst: below(2) === 0,
        inside: isInner ? randomPlan(random, depth + 1) : undefined,
      };
    }),
  );
}

/** `failed`: how often each node has failed by now. */
export function toGraph(
  plan: GraphPlan,
  failed: Map<string, number>,
  saver?: BaseCheckpointSaver,
): ReturnType<StateGraph<typeof State>['compile']> {
  const graph = new StateGraph(State) as unknown as StateGraph<typeof State.spec> & {
    addNode(name: string, body: unknown): void;
    addEdge(from: string | string[], to: string): void;
  };
  for (const node of plan.flat()) {
    const inside = node.inside === undefined ? undefined : toGraph(node.inside, failed);
    const fail = (): void => {
      const before = failed.get(node.name) ?? 0;
      if (before >= node.fails) return;
      failed.set(node.name, before + 1);
      throw new Error(`${node.name} fails`);
    };
    graph.addNode(node.name, async () => {
      if (node.failsFirst) fail();
      const answers = Array.from({ length: node.asks }, (_, i) =>
        interrupt<string, string>(`${node.name}, ${i}?`),
      );
      const inner = await inside?.invoke({ lines: [] });
      if (!node.failsFirst) fail();
      return { lines: [[node.name, ...answers, ...(inner?.lines ?? [])].join(' ')] };
    });
  }
  const layers = plan.map((layer) => layer.map(({ name }) => name));
  for (const name of layers[0] ?? []) graph.addEdge(START, name);
  for (const [i, layer] of layers.entries()) {
    const next = layers[i + 1];
    if (next === undefined) for (const name of layer) graph.addEdge(name, END);
    else for (const name of next) graph.addEdge(layer, name);
  }
  return graph.compile(saver === undefined ? {} : { checkpointer: saver }) as never;
}

export const answerTo = (question: string): string => question.toUpperCase();
