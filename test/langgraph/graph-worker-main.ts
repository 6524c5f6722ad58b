/**
 * A worker that executes a graph: `node graph-worker-main.js '{"url":…,"prefix":…,"diary":…}'`. Each of its nodes writes
 * down in a list that it ran, and its saver what it has acknowledged.
 */
import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pawl } from '../../src/index.ts';
import { durableGraph, PawlSaver } from '../../src/langgraph.ts';

export interface GraphWorkerSetup {
  readonly url: string;
  readonly prefix: string;
  readonly diary: string;
}

const { url, prefix, diary } = JSON.parse(process.argv[2] ?? '{}') as GraphWorkerSetup;
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
  until: Annotation<number>(),
  by: Annotation<string>({ reducer: (_, next) => next, default: () => '' }),
  sum: Annotation<number>({ reducer: (sum, more) => sum + more, default: () => 0 }),
});
type Now = typeof State.State;

async function ran(node: string, { n }: Now): Promise<{ by: string }> {
  const by = `${node} ${n}`;
  await redis.rpush(diary, `ran ${by}`);
  await sleep(5);
  return { by };
}

const inner = new StateGraph(State)
  .addNode('deep', (now) => ran('deep', now))
  .addNode('deeper', (now) => ran('deeper', now))
  .addEdge(START, 'deep')
  .addEdge('deep', 'deeper')
  .addEdge('deeper', END)
  .compile();

const graph = new StateGraph(State)
  .addNode('count', async (now) => ({ ...(await ran('count', now)), n: now.n + 1 }))
  .addNode('left', async (now) => ({ ...(await ran('left', now)), sum: now.n }))
  .addNode('right', async (now) => ({ ...(await ran('right', now)), sum: 1000 * now.n }))
  .addNode('ask', async (now) => {
    interrupt(`Go on after ${now.n}?`);
    return ran('ask', now);
  })
  .addNode('nested', async (now) => {
    await inner.invoke({ ...now, sum: 0 });
    return ran('nested', now);
  })
  .addEdge(START, 'count')
  .addConditionalEdges('count', ({ n }) =>
    n % 6 === 0 ? 'ask' : n % 4 === 0 ? 'nested' : ['left', 'right'],
  )
  .addEdge('ask', 'left')
  .addEdge('ask', 'right')
  .addEdge('nested', 'left')
  .addEdge('nested', 'right')
  .addNode('join', (now) => ran('join', now))
  .addEdge(['left', 'right'], 'join')
  .addConditionalEdges('join', ({ n, until }) => (n >= until ? END : 'count'))
  .compile({ checkpointer: saver });

const counting = durableGraph(graph, {
  name: 'counting',
  recursionLimit: 10_000,
  streamMode: ['updates', 'custom'],
});
const pawl = await Pawl.open({ redis: url, prefix });
const worker = pawl.worker({ workflows: [counting], sessionMs: 1_500, beatMs: 300 });
await worker.ready();
process.stdout.write(`${JSON.stringify({ message: 'ready', worker: worker.id })}\n`);
