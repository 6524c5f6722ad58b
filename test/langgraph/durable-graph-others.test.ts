// Goal: a graph that is executed as a run does what every run does: it is forked, paused, cancelled, tried again, and goes
// on with newer code. Method: workers of this process on a real Redis; a list has each node that ran.
import { END, interrupt, START, StateGraph } from '@langchain/langgraph';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunHandle } from '../../src/index.ts';
import { durableGraph, type PawlSaver } from '../../src/langgraph.ts';
import { holdsOf } from '../../src/langgraph/thread-saver.ts';
import { answerAll } from './answering.ts';
import { askingGraph, State } from './graphs.ts';
import { open, work } from './opened.ts';

/** Counts to five, asks, and ends. */
function countingGraph(saver: PawlSaver, ran: string[], node: () => unknown = () => undefined) {
  return new StateGraph(State)
    .addNode('count', async ({ n }) => {
      ran.push(`count ${n}`);
      await node();
      return { n: n + 1, log: [`count ${n}`] };
    })
    .addNode('ask', () => ({ log: [`asked ${interrupt<string, string>('Go on?')}`] }))
    .addNode('end', () => {
      ran.push('end');
      return { log: ['end'] };
    })
    .addEdge(START, 'count')
    .addConditionalEdges('count', ({ n }) => (n < 5 ? 'count' : 'ask'))
    .addEdge('ask', 'end')
    .addEdge('end', END)
    .compile({ checkpointer: saver });
}

const counts = (from: number) => [0, 1, 2, 3, 4].slice(from).map((n) => `count ${n}`);
const input = { n: 0, log: [] };

async function waitsOf(run: RunHandle): Promise<string[]> {
  for (;;) {
    const { waits } = await run.info();
    if (waits.length > 0) return waits.map(({ name }) => name);
    await sleep(10);
  }
}

async function answer(run: RunHandle, given: string): Promise<void> {
  for (const name of await waitsOf(run)) await run.answer(name, given);
}

/** Seqs of the events that end a step with this name. */
async function seqOf(run: RunHandle, step: string): Promise<number> {
  for await (const { seq, type, data } of run.events()) {
    if (type === 'step.completed' && (data as { name: string }).name === step) return seq;
  }
  throw new Error(`no step ${step}`);
}

async function checkpointsOf(saver: PawlSaver, thread: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { checkpoint } of saver.list({ configurable: { thread_id: thread } })) {
    ids.push(checkpoint.id);
  }
  return ids;
}

test.each([undefined, 'talk'])(
  'forks go on with threads of their own, each from its place (thread %s)',
  async (thread) => {
    const { saver, pawl } = await open();
    const ran: string[] = [];
    const graph = durableGraph(countingGraph(saver, ran), { name: 'counting' });
    work(pawl, graph);
    const run = await pawl.start(graph, { input, thread });
    await waitsOf(run);
    const before = await checkpointsOf(saver, thread ?? run.id);
    // The other one is open all the while, and neither loses its thread nor hears the answer.
    ran.length = 0;
    const early = await pawl.fork(graph, run.id, { seq: await seqOf(run, '2/count') });
    await answer(early, 'early');
    expect(await early.result()).toEqual({ n: 5, log: [...counts(0), 'asked early', 'end'] });
    expect(ran).toEqual([...counts(2), 'end']);
    const asking = await pawl.fork(graph, run.id, { seq: await seqOf(run, '6/ask') });
    await answer(asking, 'there');
    expect(await asking.result()).toEqual({ n: 5, log: [...counts(0), 'asked there', 'end'] });
    expect(await checkpointsOf(saver, thread ?? run.id)).toEqual(before);
    await answer(run, 'here');
    expect(await run.result()).toEqual({ n: 5, log: [...counts(0), 'asked here', 'end'] });

    ran.length = 0;
    const answered = await pawl.fork(graph, run.id, { seq: await seqOf(run, '7/ask') });
    expect(await answered.result()).toEqual({ n: 5, log: [...counts(0), 'asked here', 'end'] });
    const again = await pawl.fork(graph, answered.id, { seq: await seqOf(answered, '8/end') });
    expect(await again.result()).toEqual({ n: 5, log: [...counts(0), 'asked here', 'end'] });
    expect(ran).toEqual(['end']);
  },
);

test('a fork in the middle of several questions asks them from the first one', async () => {
  const { saver, pawl } = await open();
  const graph = durableGraph(
    askingGraph(saver, async () => undefined),
    { name: 'asking' },
  );
  work(pawl, graph);
  const whole = async (run: RunHandle): Promise<unknown> => {
    await answerAll(run, (label) => label);
    return run.result();
  };
  const run = await pawl.start(graph, { input });
  const expected = await whole(run);
  const seqs: number[] = [];
  for await (const { seq, type } of run.events()) if (type === 'step.completed') seqs.push(seq);
  for (const seq of seqs.slice(4).filter((_, i) => i % 3 === 0)) {
    const fork = await pawl.fork(graph, run.id, { seq });
    expect(await whole(fork)).toEqual(expected);
  }
}, 30_000);

test('a copy that was made before a crash is taken, and one of somebody else is not', async () => {
  const { saver, pawl } = await open();
  const graph = durableGraph(countingGraph(saver, []), { name: 'counting' });
  const worker = work(pawl, graph);
  const run = await pawl.start(graph, { input });
  await waitsOf(run);
  await worker.close();
  const [, , checkpoint = ''] = (await checkpointsOf(saver, run.id)).toReversed();
  const claim = { by: 'mine', fence: 1 };
  await holdsOf(saver).fork(run.id, { threadId: 'mine', checkpoint }, claim);
  await saver.copyThread(run.id, 'theirs');
  const seq = await seqOf(run, '2/count');
  const [mine, theirs] = [
    await pawl.fork(graph, run.id, { seq }, { id: 'mine' }),
    await pawl.fork(graph, run.id, { seq }, { id: 'theirs' }),
  ];
  const { id } = work(pawl, graph);
  expect(id).not.toBe(worker.id);
  await answer(mine, 'yes');
  expect(await mine.result()).toMatchObject({ log: [...counts(0), 'asked yes', 'end'] });
  await expect(theirs.result()).rejects.toThrow('Thread theirs exists');
  await saver.deleteThread(run.id);
  const orphan = await pawl.fork(graph, run.id, { seq });
  await expect(orphan.result()).rejects.toThrow(`${run.id} is no thread`);
});

test('a graph is paused between supersteps, and goes on where it was', async () => {
  const { saver, pawl } = await open();
  const ran: string[] = [];
  let pausing: Promise<unknown> | undefined;
  const compiled = countingGraph(saver, ran, () => (pausing ??= run.pause()));
  const graph = durableGraph(compiled, { name: 'counting' });
  const run: RunHandle = pawl.run('paused');
  work(pawl, graph);
  await pawl.start(graph, { input }, { id: 'paused' });
  await expect.poll(async () => pausing !== undefined && (await run.info()).worker).toBe(undefined);
  const stood = [...ran];
  expect(stood.length).toBeLessThan(5);
  await sleep(100);
  expect(ran).toEqual(stood);
  await run.resume();
  await answer(run, 'yes');
  await run.result();
  expect(ran).toEqual([...counts(0), 'end']);
});

test('a graph that is cancelled stops in its node, and its thread is free for the next run', async () => {
  const { saver, pawl } = await open();
  const ran: string[] = [];
  let isSlow = true;
  const compiled = countingGraph(saver, ran, async () => {
    if (isSlow && ran.length === 3) await sleep(60_000, undefined, { ref: false });
  });
  const graph = durableGraph(compiled, { name: 'counting' });
  work(pawl, graph);
  const run = await pawl.start(graph, { input, thread: 'talk' }, { key: 'talk' });
  await expect.poll(() => ran.length).toBe(3);
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
  isSlow = false;
  const next = await pawl.start(graph, { input: null, thread: 'talk' }, { key: 'talk' });
  await answer(next, 'yes');
  expect(await next.result()).toEqual({ n: 5, log: [...counts(0), 'asked yes', 'end'] });
  expect(ran).toEqual([...counts(0).slice(0, 3), ...counts(2), 'end']);
});

test('a graph that failed goes on with mended code, and does nothing twice', async () => {
  const { saver, pawl } = await open();
  const ran: string[] = [];
  const broken = countingGraph(saver, ran, () => {
    if (ran.length === 4) throw new Error('broken');
  });
  const worker = work(pawl, durableGraph(broken, { name: 'counting' }));
  const old = durableGraph(broken, { name: 'counting' });
  const run = await pawl.start(old, { input });
  await expect(run.result()).rejects.toThrow('broken');
  await worker.close();
  const mended = countingGraph(saver, ran);
  work(pawl, durableGraph(mended, { name: 'counting', version: 2 }));
  await run.resume();
  await answer(run, 'yes');
  expect(await run.result()).toEqual({ n: 5, log: [...counts(0), 'asked yes', 'end'] });
  expect(ran).toEqual([...counts(0).slice(0, 4), ...counts(3), 'end']);
});
