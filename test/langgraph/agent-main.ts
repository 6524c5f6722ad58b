/**
 * A process that drives one thread of LangGraph to its end: `node agent-main.js '{"url":…,"prefix":…,"steps":…}'`. It goes
 * on where the thread is, so it may be killed at any moment and started again. The agent asks now and then, has a subgraph,
 * and half-way the thread is forked from a checkpoint of the past.
 *
 * A list in Redis has what happened, in order: `ran <what>` before the body of a node ends, `acknowledged <what>` after its
 * writes were acknowledged.
 */
import { Annotation, Command, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import { Redis } from 'ioredis';
import { PawlSaver } from '../../src/langgraph.ts';

export interface AgentSetup {
  readonly url: string;
  readonly prefix: string;
  /** How far the agent counts. */
  readonly steps: number;
  readonly durability: 'sync' | 'async';
  /** The list of what happened. */
  readonly diary: string;
}

const asksEvery = 20;
const nestsEvery = 10;

const { url, prefix, steps, durability, diary } = JSON.parse(process.argv[2] ?? '{}') as AgentSetup;
const redis = new Redis(url);
const saver = await PawlSaver.open({ redis: url, prefix });

const putWrites = saver.putWrites.bind(saver);
saver.putWrites = async (config, writes, task, path) => {
  await putWrites(config, writes, task, path);
  for (const [channel, value] of writes) {
    if (channel === 'by') await redis.rpush(diary, `acknowledged ${String(value)}`);
  }
};

const State = Annotation.Root({
  n: Annotation<number>(),
  branch: Annotation<string>(),
  by: Annotation<string>(),
  count: Annotation<number>({ reducer: (sum, more) => sum + more, default: () => 0 }),
});
type Now = typeof State.State;

async function ran(node: string, { branch, n }: Now): Promise<{ by: string }> {
  const by = `${branch} ${node} ${n}`;
  await redis.rpush(diary, `ran ${by}`);
  return { by };
}

const inner = new StateGraph(State)
  .addNode('first', (now) => ran('first', now))
  .addNode('second', (now) => ran('second', now))
  .addEdge(START, 'first')
  .addEdge('first', 'second')
  .addEdge('second', END)
  .compile();

const graph = new StateGraph(State)
  .addNode('work', async (now) => ({ ...(await ran('work', now)), n: now.n + 1, count: 1 }))
  .addNode('ask', (now) => {
    interrupt(`Go on after ${now.n}?`);
    return ran('ask', now);
  })
  .addNode('nested', async (now) => {
    await inner.invoke({ ...now, count: 0 });
    return ran('nested', now);
  })
  .addEdge(START, 'work')
  .addConditionalEdges('work', ({ n }) => {
    if (n >= steps) return END;
    if (n % asksEvery === 0) return 'ask';
    return n % nestsEvery === 0 ? 'nested' : 'work';
  })
  .addEdge('ask', 'work')
  .addEdge('nested', 'work')
  .compile({ checkpointer: saver });

const thread = { configurable: { thread_id: 'agent' }, recursionLimit: 10 * steps, durability };

/** A checkpoint of the main branch that is a quarter of the way. */
async function pastConfig() {
  for await (const state of graph.getStateHistory(thread)) {
    const { n, branch } = state.values as Partial<Now>;
    const isAtWork = state.next[0] === 'work';
    if (branch === 'main' && n !== undefined && n <= steps / 4 && isAtWork) return state.config;
  }
  throw new Error('there is no checkpoint of the past');
}

process.stdout.write(`${JSON.stringify({ message: 'ready' })}\n`);
for (;;) {
  // Tasks that have written are not `next`, although their step has no checkpoint yet.
  const { values, tasks } = await graph.getState(thread);
  const { n, branch, count } = values as Partial<Now>;
  if (n === undefined) {
    await graph.invoke({ n: 0, branch: 'main', by: 'nobody' }, thread);
  } else if (tasks.some(({ interrupts }) => interrupts.length > 0)) {
    await graph.invoke(new Command({ resume: 'yes' }), thread);
  } else if (branch === 'main' && tasks.length === 0) {
    await graph.updateState(await pastConfig(), { branch: 'fork' }, 'nested');
  } else if (tasks.length > 0) {
    await graph.invoke(null, thread);
  } else {
    process.stdout.write(`${JSON.stringify({ message: 'done', n, branch, count })}\n`);
    break;
  }
}
await saver.close();
redis.disconnect();
