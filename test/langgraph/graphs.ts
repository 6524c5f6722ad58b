/** Graphs for tests, and what they did: a list in Redis has each node that ran. */
import { Annotation, END, interrupt, Send, START, StateGraph } from '@langchain/langgraph';
import type { PawlSaver } from '../../src/langgraph.ts';

export const State = Annotation.Root({
  n: Annotation<number>(),
  log: Annotation<string[]>({ reducer: (log, more) => log.concat(more), default: () => [] }),
});

export type Ran = (node: string) => Promise<void>;

/** Counts to three, asks two people at once, one of them twice, and goes into a graph that asks as well. */
export function askingGraph(checkpointer: PawlSaver, ran: Ran) {
  const inner = new StateGraph(State)
    .addNode('inside', async () => {
      await ran('inside');
      const first = interrupt<string, string>('inside, first?');
      const second = interrupt<string, string>('inside, second?');
      return { log: [`inside ${first} ${second}`] };
    })
    .addEdge(START, 'inside')
    .addEdge('inside', END)
    .compile();
  return new StateGraph(State)
    .addNode('count', async ({ n }) => {
      await ran(`count ${n}`);
      return { n: n + 1, log: [`count ${n}`] };
    })
    .addNode('twice', async () => {
      await ran('twice');
      const first = interrupt<string, string>('twice, first?');
      const second = interrupt<string, string>('twice, second?');
      return { log: [`twice ${first} ${second}`] };
    })
    .addNode('once', async () => {
      await ran('once');
      return { log: [`once ${interrupt<object, string>({ question: 'once?' })}`] };
    })
    .addNode('nested', async () => {
      const { log } = await inner.invoke({ n: 0, log: [] });
      return { log };
    })
    .addEdge(START, 'count')
    .addConditionalEdges('count', ({ n }) =>
      n < 3 ? 'count' : [new Send('twice', {}), new Send('once', {})],
    )
    .addEdge(['twice', 'once'], 'nested')
    .addEdge('nested', END)
    .compile({ checkpointer });
}
