// Goal: a graph of LangGraph runs as a workflow, asks people by the inbox, streams, stops, and loses its thread to nobody.
// Method: workers of this process on a real Redis; the kills are in durable-graph-kill.test.ts.
import { Annotation, END, interrupt, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import { HumanMessage } from '@langchain/core/messages';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { durableGraph, graphStream, type StreamedChunk } from '../../src/langgraph.ts';
import { type Position, positionOf } from '../../src/durable-graph/compiled-graph.ts';
import { type Given, superstep } from '../../src/durable-graph/superstep.ts';
import { holdKey } from '../../src/langgraph/thread-hold.ts';
import { holdsOf } from '../../src/langgraph/thread-saver.ts';
import { answerAll } from './answering.ts';
import { askingGraph, type Ran, State } from './graphs.ts';
import { open, work } from './opened.ts';

async function chunksOf(run: Parameters<typeof graphStream>[0]): Promise<StreamedChunk[]> {
  const chunks: StreamedChunk[] = [];
  for await (const chunk of graphStream(run, { live: false })) chunks.push(chunk);
  return chunks;
}

test('a graph counts, asks two people, goes into another graph that asks, and ends', async () => {
  const { saver, pawl } = await open();
  const ran: string[] = [];
  const diary: Ran = async (node) => void ran.push(node);
  const graph = durableGraph(askingGraph(saver, diary), { name: 'asking' });
  work(pawl, graph);
  const run = await pawl.start(graph, { input: { n: 0, log: [] } });
  const labels = await answerAll(run, (label) => label.toUpperCase());
  expect(labels.toSorted()).toEqual([
    'inside, first?',
    'inside, second?',
    'twice, first?',
    'twice, second?',
    '{"question":"once?"}',
  ]);
  expect(await run.result()).toEqual({
    n: 3,
    log: [
      'count 0',
      'count 1',
      'count 2',
      'twice TWICE, FIRST? TWICE, SECOND?',
      'once {"QUESTION":"ONCE?"}',
      'inside INSIDE, FIRST? INSIDE, SECOND?',
    ],
  });
  // A node runs from its beginning after each answer, as LangGraph has it.
  expect(ran.filter((node) => node.startsWith('count'))).toEqual(['count 0', 'count 1', 'count 2']);
  const updates = (await chunksOf(run)).filter(
    ({ data }) => !('__interrupt__' in (data as object)),
  );
  expect(updates.slice(0, 3).map(({ mode, path, data }) => ({ mode, path, data }))).toEqual(
    [0, 1, 2].map((n) => ({
      mode: 'updates',
      path: [],
      data: { count: { n: n + 1, log: [`count ${n}`] } },
    })),
  );
  expect(updates.some(({ path }) => path.length === 1 && path[0]?.startsWith('nested:'))).toBe(
    true,
  );
  expect(new Set(updates.map(({ step }) => step))).toContain('1/count');
});

const lines = (node: string, log: string[]) => ({ log: [`${node} ${log.length}`] });

function chain(saver: ConstructorParameters<typeof Object>[0], more: object = {}) {
  return new StateGraph(State)
    .addNode('first', ({ log }) => lines('first', log))
    .addNode('second', ({ log }) => lines('second', log))
    .addNode('third', ({ log }) => lines('third', log))
    .addEdge(START, 'first')
    .addEdge('first', 'second')
    .addEdge('second', 'third')
    .addEdge('third', END)
    .compile({ checkpointer: saver as never, ...more });
}

test('a graph that was compiled to stop waits for a person, who may change the thread meanwhile', async () => {
  const { saver, pawl } = await open();
  const compiled = chain(saver, { interruptBefore: ['second'], interruptAfter: ['second'] });
  const graph = durableGraph(compiled, { name: 'stopping' });
  work(pawl, graph);
  const run = await pawl.start(graph, { input: { n: 0, log: [] }, thread: 'stops' });
  const labels = await answerAll(run, () => undefined);
  expect(labels).toEqual(['Go on at second?', 'Go on at second?']);
  expect(await run.result()).toEqual({ n: 0, log: ['first 0', 'second 1', 'third 2'] });

  const changed = await pawl.start(graph, { input: { n: 0, log: [] }, thread: 'changes' });
  const config = { configurable: { thread_id: 'changes' } };
  const wait = async () => {
    for (;;) {
      const [first] = (await changed.info()).waits;
      if (first !== undefined) return first.name;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const name = await wait();
  await compiled.updateState(config, { log: ['by hand'] });
  await changed.answer(name, null);
  expect(await answerAll(changed, () => null)).toEqual(['Go on at second?']);
  expect(await changed.result()).toEqual({
    n: 0,
    log: ['first 0', 'by hand', 'second 2', 'third 3'],
  });
});

test('runs of one thread go on with it, one after the other', async () => {
  const { saver, pawl } = await open();
  const graph = durableGraph(chain(saver), { name: 'turns' });
  work(pawl, graph);
  const start = { thread: 'talk', input: { n: 0, log: ['turn'] } };
  const runs = await Promise.all(
    Array.from({ length: 3 }, () => pawl.start(graph, start, { key: 'talk' })),
  );
  const lengths = await Promise.all(
    runs.map(async (run) => ((await run.result()) as { log: string[] }).log.length),
  );
  expect(lengths.toSorted((a, b) => a - b)).toEqual([4, 8, 12]);
  const goesOn = await pawl.start(graph, { thread: 'talk', input: null }, { key: 'talk' });
  expect(((await goesOn.result()) as { log: string[] }).log).toHaveLength(12);
});

test('a run whose thread another run takes fails, says why, and writes nothing more', async () => {
  const { saver, pawl } = await open();
  let go: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = new StateGraph(State)
    .addNode('slow', async ({ n }) => {
      if (n === 0) await held;
      return { log: [`slow ${n}`] };
    })
    .addEdge(START, 'slow')
    .addEdge('slow', END)
    .compile({ checkpointer: saver });
  const graph = durableGraph(slow, { name: 'slow' });
  work(pawl, graph);
  const first = await pawl.start(graph, { thread: 'one', input: { n: 0, log: [] } });
  for (;;) {
    const state = await slow.getState({ configurable: { thread_id: 'one' } });
    if (state.next.includes('slow')) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const second = await pawl.start(graph, { thread: 'one', input: { n: 1, log: [] } });
  expect(await second.result()).toMatchObject({ log: ['slow 1'] });
  go();
  await expect(first.result()).rejects.toMatchObject({
    code: 'PAWL_RUN_FAILED',
    message: expect.stringMatching(/has lost thread one/) as string,
  });
  expect((await slow.getState({ configurable: { thread_id: 'one' } })).values).toMatchObject({
    n: 1,
    log: ['slow 1'],
  });
});

test('a thread that is deleted under its run ends the run', async () => {
  const { saver, pawl } = await open();
  const graph = durableGraph(
    askingGraph(saver, async () => undefined),
    { name: 'deleted' },
  );
  work(pawl, graph);
  const run = await pawl.start(graph, { input: { n: 3, log: [] } });
  for (;;) {
    if ((await run.info()).waits.length === 2) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { waits } = await run.info();
  await saver.deleteThread(run.id);
  await Promise.allSettled(waits.map(({ name }) => run.answer(name, 'yes')));
  await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_FAILED' });
  expect(await saver.getTuple({ configurable: { thread_id: run.id } })).toBeUndefined();
});

test('messages are stored and streamed by their fields, with the context of the run', async () => {
  const { saver, pawl } = await open();
  const Talk = Annotation.Root({
    messages: Annotation<unknown[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  });
  const talk = new StateGraph(Talk)
    .addNode('answer', (_, config) => ({
      messages: [
        new HumanMessage({ id: '2', content: `to ${String(config.configurable?.['user'])}` }),
      ],
    }))
    .addEdge(START, 'answer')
    .addEdge('answer', END)
    .compile({ checkpointer: saver });
  const graph = durableGraph(talk, { name: 'talk', streamMode: ['values', 'updates'] });
  work(pawl, graph);
  const run = await pawl.start(graph, {
    input: { messages: [new HumanMessage({ id: '1', content: 'hello' })] },
    configurable: { user: 'ada' },
  });
  const values = (await run.result()) as { messages: { type: string; content: string }[] };
  expect(values.messages.map(({ type, content }) => [type, content])).toEqual([
    ['human', 'hello'],
    ['human', 'to ada'],
  ]);
  const told = await chunksOf(run);
  expect(told.map(({ mode }) => mode)).toEqual(['values', 'updates', 'values']);
  expect(told.at(-1)?.data).toEqual(values);
});

test('a node that fails is tried again, without those that have stored their writes', async () => {
  const { saver, pawl } = await open();
  const ran: string[] = [];
  let fails = 2;
  const flaky = new StateGraph(State)
    .addNode('good', () => {
      ran.push('good');
      return { log: ['good'] };
    })
    .addNode('bad', async () => {
      ran.push('bad');
      await new Promise((resolve) => setTimeout(resolve, 30));
      if (fails-- > 0) throw new Error('not yet');
      return { log: ['bad'] };
    })
    .addEdge(START, 'good')
    .addEdge(START, 'bad')
    .compile({ checkpointer: saver });
  const graph = durableGraph(flaky, { name: 'flaky', stepRetry: { attempts: 5, delay: 1 } });
  work(pawl, graph);
  const run = await pawl.start(graph, { input: { n: 0, log: [] } });
  expect(((await run.result()) as { log: string[] }).log.toSorted()).toEqual(['bad', 'good']);
  expect(ran.toSorted()).toEqual(['bad', 'bad', 'bad', 'good']);
});

test('a graph without an end fails after as many supersteps as it may have', async () => {
  const { saver, pawl } = await open();
  const endless = new StateGraph(State)
    .addNode('on', ({ n }) => ({ n: n + 1 }))
    .addEdge(START, 'on')
    .addEdge('on', 'on')
    .compile({ checkpointer: saver });
  const graph = durableGraph(endless, { name: 'endless', recursionLimit: 7 });
  work(pawl, graph);
  const run = await pawl.start(graph, { input: { n: 0, log: [] } });
  await expect(run.result()).rejects.toThrow(/after 7 supersteps/);
  expect((await endless.getState({ configurable: { thread_id: run.id } })).values).toMatchObject({
    n: 7,
  });
});

test('options that do not fit, and graphs without a PawlSaver, are refused', async () => {
  const { saver } = await open();
  const other = chain(new MemorySaver());
  expect(() => durableGraph(other, { name: 'other' })).toThrow(/must be a PawlSaver/);
  const graph = chain(saver);
  expect(() => durableGraph(graph, { name: 'x', streamMode: 'all' as never })).toThrow(
    /streamMode/,
  );
  expect(() => durableGraph(graph, { name: 'x', outputs: {} } as never)).toThrow(
    /outputs is no option/,
  );
  expect(() => durableGraph(graph, { name: 'not a name' })).toThrow();
});

test('a thread is taken from whom the run has seen, and by later claims of the same run', async () => {
  const { saver } = await open();
  const holds = holdsOf(saver);
  const seenNobody = { holder: undefined };
  await holds.take('t', { by: 'a', fence: 1 }, seenNobody);
  // Frozen between its look and its taking, while another claim has taken the thread.
  await expect(holds.take('t', { by: 'a', fence: 0 }, seenNobody)).rejects.toMatchObject({
    code: 'PAWL_THREAD_TAKEN',
    run: 'a',
  });
  await holds.take('t', { by: 'a', fence: 3 }, 'again');
  await expect(holds.take('t', { by: 'a', fence: 2 }, 'again')).rejects.toThrow(/lost thread t/);
  const holder = await holds.holderOf('t');
  expect(holder).toBe('a 3');
  await holds.take('t', { by: 'b', fence: 1 }, { holder });
  await expect(holds.take('t', { by: 'a', fence: 4 }, 'again')).rejects.toThrow(/lost thread t/);
  await saver.deleteThread('t');
  await expect(holds.take('t', { by: 'b', fence: 2 }, 'again')).rejects.toThrow(/lost thread t/);
  expect(await holds.holderOf('t')).toBeUndefined();
});

test('a superstep that was cut short finds what it has done, and gives no answer twice', async () => {
  const { saver } = await open();
  const ran: string[] = [];
  const graph = askingGraph(saver, async (node) => void ran.push(node));
  const hold = await holdsOf(saver).take('cut', { by: 'a', fence: 1 }, { holder: undefined });
  const config = { configurable: { thread_id: 'cut', [holdKey]: hold } };
  const step = (from: Position, given: Given): Promise<Position> =>
    superstep({
      graph,
      config,
      hold,
      modes: ['updates'],
      from,
      given,
      signal: new AbortController().signal,
      give: async () => undefined,
    });
  const answers = (...all: [string, unknown][]) => ({
    kind: 'go' as const,
    answers: new Map(all),
    mayBeGiven: false,
  });
  const empty = await positionOf(graph, config);
  const enter = { kind: 'enter' as const, input: { n: 2, log: [] } };
  const entered = await step(empty, enter);
  expect(entered).toMatchObject({ next: ['count'], isOver: false });
  expect(await step(empty, enter)).toEqual(entered);
  const counted = await step(entered, answers());
  expect(await step(entered, answers())).toEqual(counted);
  expect(ran).toEqual(['count 2']);

  const asked = await step(counted, answers());
  const [twice, once] = asked.questions;
  if (twice === undefined || once === undefined) throw new Error('nothing is asked');
  const first = answers([twice.id, 'one'], [once.id, 'only']);
  const again = await step(asked, first);
  expect(again.questions.map(({ value }) => value as unknown)).toEqual(['twice, second?']);
  ran.length = 0;
  // The same answers, by an attempt that does not know of the one before: the second question stays open.
  expect(await step(asked, first)).toEqual(again);
  expect(ran).toEqual([]);
  expect(await step(asked, { ...first, mayBeGiven: true })).toEqual(again);
  expect(ran).toEqual(['twice']);
  const second = again.questions[0]?.id ?? '';
  const joined = await step(again, answers([second, 'two']));
  expect(joined).toMatchObject({ next: ['nested'], questions: [] });
  const { values } = await graph.getState(config);
  expect(values).toMatchObject({ log: ['count 2', 'twice one two', 'once only'] });
});

// A later attempt of the step; and a resume of the run, which begins with a first attempt again.
test.each([3, 1])(
  'an answer that a graph inside has taken is not given to its next question (%i attempts)',
  async (attempts) => {
    const { saver, pawl } = await open();
    let fails = 2;
    const inner = new StateGraph(State)
      .addNode('asks', () => {
        const first = interrupt<string, string>('first?');
        return { log: [first, interrupt<string, string>('second?')] };
      })
      .addNode('fails', async () => {
        const go = interrupt<string, string>('beside?');
        // The other one has asked its second question by then.
        await sleep(50);
        if (fails-- > 0) throw new Error('fails');
        return { log: [go] };
      })
      .addEdge(START, 'asks')
      .addEdge(START, 'fails')
      .compile();
    const compiled = new StateGraph(State)
      .addNode('nested', async () => ({ log: (await inner.invoke({ n: 0, log: [] })).log }))
      .addEdge(START, 'nested')
      .compile({ checkpointer: saver });
    const graph = durableGraph(compiled, { name: 'beside', stepRetry: { attempts, delay: 1 } });
    work(pawl, graph);
    const run = await pawl.start(graph, { input: { n: 0, log: [] } });
    const labels = await answerAll(run, (label) => label.toUpperCase());
    while (await run.resume())
      labels.push(...(await answerAll(run, (label) => label.toUpperCase())));
    expect(labels.toSorted()).toEqual(['beside?', 'first?', 'second?']);
    expect(await run.result()).toMatchObject({ log: ['FIRST?', 'SECOND?', 'BESIDE?'] });
  },
);
