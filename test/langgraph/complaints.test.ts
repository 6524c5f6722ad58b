// Goal: what users of other savers complain of does not happen. Each test names the issue. Method: the saver on a real
// Redis, where it matters with LangGraph's runtime as the client.
import { Annotation, Command, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { MemorySaver } from '@langchain/langgraph-checkpoint';
import { PawlSaver } from '../../src/langgraph.ts';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { atRoot, metadata, newCheckpoint, openSaver } from './savers.ts';

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  mark: Annotation<string>(),
});

const asking = () =>
  new StateGraph(State)
    .addNode('ask', () => ({ log: [`said ${String(interrupt('May we?'))}`] }))
    .addNode('act', () => ({ log: ['acted'] }))
    .addEdge(START, 'ask')
    .addEdge('ask', 'act')
    .addEdge('act', END);

const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => void rejections.push(reason);
process.on('unhandledRejection', onRejection);
afterEach(() => {
  expect(rejections.splice(0)).toEqual([]);
});

test('langgraphjs#2334, #2555: a channel that steps leave alone is there in every checkpoint', async () => {
  const { saver } = await openSaver();
  let config = await saver.put(atRoot('t'), newCheckpoint({ kept: ['a'], moving: 0 }), metadata(), {
    kept: 1,
    moving: 1,
  });
  for (let version = 2; version < 30; version++) {
    const next = newCheckpoint({ kept: ['a'], moving: version }, { kept: 1, moving: version });
    config = await saver.put(config, next, metadata(), { moving: version });
  }
  for await (const { checkpoint } of saver.list(atRoot('t'))) {
    expect(checkpoint.channel_values['kept']).toEqual(['a']);
    expect(checkpoint.channel_values).toHaveProperty('moving');
  }
});

test('langgraphjs#1812, #1968, #2737: two forks with the same versions keep their own values', async () => {
  const { saver } = await openSaver();
  const root = await saver.put(atRoot('t'), newCheckpoint({ a: 0 }), metadata(), { a: 1 });
  const forks = await Promise.all(
    ['left', 'right'].map((a) =>
      saver.put(root, newCheckpoint({ a }, { a: 2 }), metadata(), { a: 2 }),
    ),
  );
  const read = await Promise.all(forks.map((fork) => saver.get(fork)));
  expect(read.map((one) => one?.channel_values['a'])).toEqual(['left', 'right']);
});

test('langgraphjs#1812: a graph that is forked from a past checkpoint runs to its end', async () => {
  const { saver } = await openSaver();
  const graph = new StateGraph(State)
    .addNode('a', ({ mark }) => ({ log: [`a ${mark}`] }))
    .addNode('b', ({ mark }) => ({ log: [`b ${mark}`] }))
    .addEdge(START, 'a')
    .addEdge('a', 'b')
    .addEdge('b', END)
    .compile({ checkpointer: saver });
  const thread = { configurable: { thread_id: 't' } };
  const first = await graph.invoke({ mark: 'one' }, thread);
  const history = [];
  for await (const state of graph.getStateHistory(thread)) history.push(state);
  const past = history.find(({ next }) => next[0] === 'a');
  const fork = await graph.updateState(past?.config ?? {}, { mark: 'two' }, START);
  const second = await graph.invoke(null, fork);
  expect([first.log, second.log]).toEqual([
    ['a one', 'b one'],
    ['a two', 'b two'],
  ]);
  const head = history[0]?.config ?? {};
  expect((await graph.getState(head)).values).toEqual(first);
});

test('langgraphjs#1996: writes that come beside the put of their checkpoint are never lost', async () => {
  const { saver } = await openSaver();
  for (let round = 0; round < 50; round++) {
    const checkpoint = newCheckpoint({ a: round });
    const config = atRoot(`t${round}`, checkpoint.id);
    const put = saver.put(atRoot(`t${round}`), checkpoint, metadata(), { a: 1 });
    const writes = [0, 1, 2].map((i) => saver.putWrites(config, [['a', i]], `task-${i}`));
    await Promise.all(round % 2 === 0 ? [put, ...writes] : [...writes, put]);
    expect((await saver.getTuple(config))?.pendingWrites).toHaveLength(3);
  }
});

/** Takes its time for one value, and refuses another one. */
class SlowSerializer {
  readonly #inner = new MemorySaver().serde;

  async loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
    return this.#inner.loadsTyped(type, data);
  }

  async dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
    if (value === 'slow') await sleep(100);
    if (value === 'refused') {
      await sleep(100);
      throw new Error('refused');
    }
    return this.#inner.dumpsTyped(value);
  }
}

test('langgraph#8039: a put waits for the earlier writes to its parent', async () => {
  const { saver, prefix } = await openSaver({ serde: new SlowSerializer() });
  const { saver: reader } = await openSaver({ prefix });
  const first = await saver.put(atRoot('t'), newCheckpoint({ a: 0 }), metadata(), { a: 1 });
  const writes = saver.putWrites(first, [['a', 'slow']], 'task');
  const second = newCheckpoint({ a: 1 }, { a: 2 });
  const put = saver.put(first, second, metadata(), { a: 2 });
  for (let isDone = false; !isDone;) {
    isDone = await Promise.race([put.then(() => true), sleep(5).then(() => false)]);
    const newest = await reader.getTuple(atRoot('t'));
    if (newest?.checkpoint.id !== second.id) continue;
    expect((await reader.getTuple(first))?.pendingWrites).toHaveLength(1);
  }
  await writes;
});

test('langgraph#8039: a put whose earlier writes were refused is refused as well', async () => {
  const { saver } = await openSaver({ serde: new SlowSerializer() });
  const first = await saver.put(atRoot('t'), newCheckpoint({ a: 0 }), metadata(), { a: 1 });
  const writes = saver.putWrites(first, [['a', 'refused']], 'task');
  const put = saver.put(first, newCheckpoint({ a: 1 }, { a: 2 }), metadata(), { a: 2 });
  const settled = await Promise.allSettled([writes, put]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const newest = await saver.getTuple(atRoot('t'));
  expect(newest?.config).toEqual(first);
  // What failed does not stand in the way of the next one.
  await saver.put(first, newCheckpoint({ a: 1 }, { a: 2 }), metadata(), { a: 2 });
});

test('langgraph#8039: writes are acknowledged when their checkpoint is there', async () => {
  const { saver } = await openSaver({ serde: new SlowSerializer() });
  const first = await saver.put(atRoot('t'), newCheckpoint({ a: 0 }), metadata(), { a: 1 });
  const second = newCheckpoint({ a: 'slow' }, { a: 2 });
  const order: string[] = [];
  const put = saver.put(first, second, metadata(), { a: 2 }).then(() => order.push('put'));
  const writes = saver.putWrites(atRoot('t', second.id), [['a', 1]], 'task');
  await Promise.all([put, writes.then(() => order.push('writes'))]);
  expect(order).toEqual(['put', 'writes']);
});

test('langgraph-redis#137, langgraphjs#2336: a thread expires as a whole, and never with a question open', async () => {
  const { saver, keys } = await openSaver({ ttl: '50ms' });
  const graph = asking().compile({ checkpointer: saver });
  await graph.invoke({ mark: '' }, { configurable: { thread_id: 'asked' } });
  await graph.invoke({ mark: '' }, { configurable: { thread_id: 'done' } });
  await graph.invoke(new Command({ resume: 'yes' }), { configurable: { thread_id: 'done' } });
  await expect.poll(() => keys('done')).toEqual([]);
  const thread = { configurable: { thread_id: 'asked' } };
  expect((await graph.invoke(new Command({ resume: 'yes' }), thread)).log).toEqual([
    'said yes',
    'acted',
  ]);
});

test('langgraph-redis#25, #55: all of a thread is in one slot', async () => {
  const { saver, keys, prefix } = await openSaver();
  const graph = asking().compile({ checkpointer: saver });
  await graph.invoke({ mark: '' }, { configurable: { thread_id: 't' } });
  const found = await keys('t');
  expect(found.length).toBeGreaterThan(5);
  expect(found.filter((key) => !key.startsWith(`{${prefix}:0}:`))).toEqual([]);
});

test('langgraph-redis#98, #114, valkey-search#257: plain commands, and no look at all keys', async () => {
  const server = await startRedisServer();
  const admin = new Redis(server.url);
  const saver = await PawlSaver.open({ redis: server.url });
  try {
    const graph = asking().compile({ checkpointer: saver });
    const thread = { configurable: { thread_id: 't' } };
    await graph.invoke({ mark: '' }, thread);
    await graph.invoke(new Command({ resume: 'yes' }), thread);
    for await (const _ of saver.list({})) expect(_.metadata).toBeDefined();
    await saver.prune('t', { keepLast: 1 });
    await saver.copyThread('t', 'u');
    await saver.deleteThread('t');
    const said = await admin.info('commandstats');
    const used = [...said.matchAll(/cmdstat_([^:]+)/g)].map(([, name]) => name ?? '');
    expect(used).toContain('evalsha');
    expect(used.filter((name) => /^(keys|scan|json|ft)\b/.test(name))).toEqual([]);
  } finally {
    await saver.close();
    admin.disconnect();
    await server.stop();
  }
});

test('langgraph#8531, langgraph-redis#159: pruning keeps what an unanswered interrupt needs', async () => {
  const { saver } = await openSaver();
  const graph = asking().compile({ checkpointer: saver });
  const thread = { configurable: { thread_id: 't' } };
  await graph.invoke({ mark: '' }, thread);
  const asked = await graph.getState(thread);
  // A fork from before goes on to its end, so the question is not at the newest checkpoint.
  const fork = await graph.updateState(asked.parentConfig ?? {}, { log: ['fork'] }, START);
  await graph.invoke(null, fork);
  const forked = await graph.invoke(new Command({ resume: 'no' }), thread);
  expect(forked.log).toEqual(['fork', 'said no', 'acted']);
  expect(await saver.prune('t', { keepLast: 1 })).toBeGreaterThan(2);
  expect((await graph.getState(thread)).values).toEqual(forked);
  const resumed = await graph.invoke(new Command({ resume: 'yes' }), asked.config);
  expect(resumed.log).toEqual(['said yes', 'acted']);
});

test('langgraph#7206: late writes do not bring a deleted thread back, and end no process', async () => {
  const warned: string[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_: object, message: string) => void warned.push(message),
    error: () => undefined,
  };
  const { saver, keys, prefix } = await openSaver({ logger });
  const { saver: other } = await openSaver({ prefix });
  let isDeleted: () => void = () => undefined;
  const deleted = new Promise<void>((resolve) => {
    isDeleted = resolve;
  });
  const graph = new StateGraph(State)
    .addNode('slow', async () => {
      await deleted;
      return { log: ['slow'] };
    })
    .addNode('again', async () => {
      await sleep(30);
      return { log: ['again'] };
    })
    .addEdge(START, 'slow')
    .addEdge('slow', 'again')
    .addEdge('again', END)
    .compile({ checkpointer: saver });
  const work = graph.invoke({ mark: '' }, { configurable: { thread_id: 't' } });
  await expect.poll(() => keys('t')).not.toEqual([]);
  await other.deleteThread('t');
  isDeleted();
  expect((await work).log).toEqual(['slow', 'again']);
  expect(await keys('t')).toEqual([]);
  expect(warned.length).toBeGreaterThan(0);
});

test('a node that was cut short by the failure of another one runs again, and keeps nothing half', async () => {
  const { saver } = await openSaver();
  const config = await saver.put(atRoot('t'), newCheckpoint({}), metadata(), {});
  // As LangGraph 1.7 stores it: what the node had written, and then the error.
  const error = { name: 'AbortError', message: 'This operation was aborted' };
  const half: [string, unknown][] = [
    ['log', ['half']],
    ['__error__', error],
  ];
  await saver.putWrites(config, half, 'task', '~__pregel_pull, act');
  const channels = async () =>
    (await saver.getTuple(config))?.pendingWrites?.map(([, channel, value]) => [channel, value]);
  expect(await channels()).toEqual([['__error__', error]]);
  const whole: [string, unknown][] = [
    ['log', ['whole']],
    ['branch:to:next', null],
  ];
  await saver.putWrites(config, whole, 'task', '~__pregel_pull, act');
  expect((await channels())?.filter(([channel]) => channel !== '__error__')).toEqual(whole);
});
