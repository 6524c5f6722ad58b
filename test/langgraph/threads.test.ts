// Goal: the saver does what LangGraph's suite does not look at: lists in pages, copies, encryption, hostile input, sizes.
// Method: the saver on a real Redis.
import { Annotation, Command, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import * as checkpointPackage from '@langchain/langgraph-checkpoint';
import { expect, test } from 'vitest';
import { Pawl } from '../../src/index.ts';
import { PawlSaver } from '../../src/langgraph.ts';
import { runOf } from '../../src/langgraph/thread-ids.ts';
import { inject } from 'vitest';
import { atRoot, bytesOf, memoryOf, metadata, newCheckpoint, openSaver } from './savers.ts';

const key = (fill: number): Buffer => Buffer.alloc(32, fill);
const encryption = { keys: { a: key(1) }, current: 'a', required: true };

/** Checkpoints of one chain, oldest first. */
async function chain(saver: PawlSaver, thread: string, length: number): Promise<string[]> {
  const ids: string[] = [];
  let config: Awaited<ReturnType<PawlSaver['put']>> = atRoot(thread);
  for (let i = 1; i <= length; i++) {
    const checkpoint = newCheckpoint({ n: i }, { n: i });
    ids.push(checkpoint.id);
    config = await saver.put(config, checkpoint, metadata({ step: i, odd: i % 2 }), { n: i });
  }
  return ids;
}

async function listed(saver: PawlSaver, ...call: Parameters<PawlSaver['list']>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { checkpoint } of saver.list(...call)) ids.push(checkpoint.id);
  return ids;
}

test('the package of checkpoints is the one that these tests were asked to run against', () => {
  const is12 = 'compareWritesSortKeys' in checkpointPackage;
  expect(is12).toBe(process.env['PAWL_LANGGRAPH_CHECKPOINT'] === undefined);
});

test('a list of many pages is newest first, with filter, before and limit', async () => {
  const { saver } = await openSaver();
  const ids = (await chain(saver, 't', 100)).toReversed();
  expect(await listed(saver, atRoot('t'))).toEqual(ids);
  expect(await listed(saver, atRoot('t'), { limit: 40 })).toEqual(ids.slice(0, 40));
  const before = atRoot('t', ids[9]);
  expect(await listed(saver, atRoot('t'), { before })).toEqual(ids.slice(10));
  const odd = ids.filter((_, i) => i % 2 === 1);
  expect(await listed(saver, atRoot('t'), { filter: { odd: 1 }, limit: 20 })).toEqual(
    odd.slice(0, 20),
  );
  expect(await listed(saver, atRoot('t'), { filter: { odd: 1 }, before })).toEqual(odd.slice(5));
});

test('writes come back in the order in which LangGraph applies them', async () => {
  const { saver } = await openSaver();
  const config = await saver.put(atRoot('t'), newCheckpoint({}), metadata(), {});
  const paths = ['~b', '', '~a', '~\u{1f600}', '~\uffee'];
  for (const [i, path] of paths.entries())
    await saver.putWrites(config, [['c', path]], `${i}`, path);
  await saver.putWrites(config, [['c', 'again']], '0', '~b');
  const found = (await saver.getTuple(config))?.pendingWrites?.map(([, , value]) => value);
  expect(found).toEqual(['', '~a', '~b', '~\uffee', '~\u{1f600}']);
});

test('a thousand checkpoints do not cost a thousand states', async () => {
  const { saver, prefix } = await openSaver();
  const large = 'x'.repeat(20_000);
  let config: Awaited<ReturnType<PawlSaver['put']>> = atRoot('t');
  const puts = 300;
  for (let i = 1; i <= puts; i++) {
    const fresh = i === 1 ? { large: 1, n: 1 } : { n: i };
    const checkpoint = newCheckpoint({ large, n: i }, { large: 1, n: i });
    config = await saver.put(config, checkpoint, metadata(), fresh);
  }
  expect((await saver.get(config))?.channel_values).toEqual({ large, n: puts });
  expect(await memoryOf(prefix)).toBeLessThan((puts * large.length) / 10);
});

test('ids of threads are any text, and no two threads meet', async () => {
  const { saver, keys } = await openSaver();
  const names = [
    'a',
    'a*',
    'a:b',
    'A',
    '~a',
    'ä',
    'a/../b',
    '{x}',
    ' ',
    'x'.repeat(500),
    'x'.repeat(501),
  ];
  for (const [n, name] of names.entries()) {
    await saver.put(atRoot(name), newCheckpoint({ n }), metadata(), { n: 1 });
  }
  for (const [n, name] of names.entries()) {
    expect((await saver.get(atRoot(name)))?.channel_values).toEqual({ n });
  }
  const threads: unknown[] = [];
  for await (const { config } of saver.list({})) threads.push(config.configurable?.['thread_id']);
  expect(new Set(threads)).toEqual(new Set(names));
  await saver.deleteThread('a*');
  expect(await saver.get(atRoot('a'))).toBeDefined();
  expect(await keys('a~2a')).toEqual([]);
});

test('what cannot be stored is refused, and nothing is written', async () => {
  const { saver, keys, prefix } = await openSaver({ limits: { stateBytes: 10_000 } });
  const put = (thread: unknown, values: Record<string, unknown>) => {
    const config = { configurable: { thread_id: thread } };
    const versions = Object.fromEntries(Object.keys(values).map((name) => [name, 1]));
    return saver.put(config, newCheckpoint(values), metadata(), versions);
  };
  const half = 'y'.repeat(6_000);
  await expect(put('t', { a: 'x'.repeat(20_000) })).rejects.toMatchObject({ code: 'PAWL_LIMIT' });
  await expect(put('t', { a: half, b: `${half}!` })).rejects.toMatchObject({ code: 'PAWL_LIMIT' });
  await expect(put('t', { 'a\0b': 1 })).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  for (const thread of ['', 'a\0b', '\ud800', {}, 'x'.repeat(2_000)]) {
    await expect(put(thread, {})).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  }
  expect(await keys('')).toEqual([]);
  const config = await put('t', { a: 1 });
  const before = await bytesOf(prefix);
  const writes = saver.putWrites(
    config,
    [
      ['a', 1],
      ['b', 'x'.repeat(20_000)],
    ],
    'task',
  );
  await expect(writes).rejects.toMatchObject({ code: 'PAWL_LIMIT' });
  await expect(saver.putWrites(config, [['a', 1]], 'a\0b')).rejects.toMatchObject({
    code: 'PAWL_INVALID',
  });
  expect(await bytesOf(prefix)).toBe(before);
  await expect(PawlSaver.open({ redis: 'redis://x', tll: '1d' } as never)).rejects.toThrow(/tll/);
});

test('values named like parts of a prototype come back as they were', async () => {
  const { saver } = await openSaver();
  const values = JSON.parse('{"constructor": 1, "__proto__": {"polluted": 1}}') as Record<
    string,
    unknown
  >;
  const checkpoint = newCheckpoint(values, JSON.parse('{"constructor": 1, "__proto__": 1}') as {});
  const config = await saver.put(atRoot('t'), checkpoint, metadata(), checkpoint.channel_versions);
  const read = await saver.get(config);
  expect(Object.entries(read?.channel_values ?? {})).toEqual(
    expect.arrayContaining([['constructor', 1]]),
  );
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('with encryption Redis holds no value, and another key opens none', async () => {
  const { saver, prefix } = await openSaver({ encryption });
  const secret =
    'a secret that is longer than sixty-four characters, so that it lies among the values';
  const config = await saver.put(
    atRoot('t'),
    newCheckpoint({ a: secret, b: 'a small one' }),
    metadata({ note: 'a note' }),
    { a: 1, b: 1 },
  );
  await saver.putWrites(
    config,
    [
      ['a', secret],
      ['b', 'a small one'],
    ],
    'task',
  );
  const stored = await bytesOf(prefix);
  for (const word of ['a secret', 'a small one', 'a note']) expect(stored).not.toContain(word);
  expect((await saver.getTuple(config))?.pendingWrites).toEqual([
    ['task', 'a', secret],
    ['task', 'b', 'a small one'],
  ]);
  await saver.copyThread('t', 'u');
  expect((await saver.get(atRoot('u')))?.channel_values).toMatchObject({ a: secret });
  const { saver: other } = await openSaver({
    prefix,
    encryption: { keys: { b: key(2) }, current: 'b' },
  });
  await expect(other.get(config)).rejects.toMatchObject({ code: 'PAWL_KEY_MISSING' });
});

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

function nested(saver: PawlSaver) {
  const inner = new StateGraph(State)
    .addNode('inner', () => ({ log: [`inner ${String(interrupt('inside?'))}`] }))
    .addEdge(START, 'inner')
    .addEdge('inner', END)
    .compile();
  return new StateGraph(State)
    .addNode('before', () => ({ log: ['before'] }))
    .addNode('sub', inner)
    .addEdge(START, 'before')
    .addEdge('before', 'sub')
    .addEdge('sub', END)
    .compile({ checkpointer: saver });
}

test.each(['sync', 'async', 'exit'] as const)(
  'a subgraph that asks is copied, pruned and resumed with durability %s',
  async (durability) => {
    const { saver, keys } = await openSaver();
    const graph = nested(saver);
    const thread = (id: string) => ({ configurable: { thread_id: id }, durability });
    await graph.invoke({ log: [] }, thread('t'));
    await saver.copyThread('t', 'u');
    await expect(saver.copyThread('t', 'u')).rejects.toMatchObject({ code: 'PAWL_RUN_EXISTS' });
    await expect(saver.copyThread('nobody', 'v')).rejects.toMatchObject({ code: 'PAWL_INVALID' });
    await saver.prune('u', { keepLast: 1 });
    for (const id of ['t', 'u']) {
      const { log } = await graph.invoke(new Command({ resume: id }), thread(id));
      expect(log.at(-1)).toBe(`inner ${id}`);
      await saver.deleteThread(id);
      expect(await keys(id)).toEqual([]);
    }
  },
);

test('a value that nothing refers to goes with the checkpoints that are pruned', async () => {
  const { saver, prefix } = await openSaver();
  const large = (n: number): string => `${n}`.repeat(5_000);
  let config: Awaited<ReturnType<PawlSaver['put']>> = atRoot('t');
  for (let i = 1; i <= 50; i++) {
    const checkpoint = newCheckpoint({ kept: 'k', large: large(i) }, { kept: 1, large: i });
    config = await saver.put(config, checkpoint, metadata(), { kept: 1, large: i });
    await saver.putWrites(config, [['large', large(i + 1)]], 'task');
  }
  const before = await memoryOf(prefix);
  expect(await saver.prune('t', { keepLast: 2 })).toBe(48);
  expect(await memoryOf(prefix)).toBeLessThan(before / 5);
  const tuple = await saver.getTuple(atRoot('t'));
  expect(tuple?.checkpoint.channel_values).toEqual({ kept: 'k', large: large(50) });
  expect(tuple?.pendingWrites).toEqual([['task', 'large', large(51)]]);
  expect(await listed(saver, atRoot('t'))).toHaveLength(2);
});

test('a thread is a run: it is listed, waits while a question is open, and goes when the run is deleted', async () => {
  const { saver, prefix, keys } = await openSaver();
  const pawl = await Pawl.open({ redis: inject('redisUrl'), prefix });
  const graph = nested(saver);
  const thread = { configurable: { thread_id: 't 1' } };
  await graph.invoke({ log: [] }, thread);
  const statuses = async () => (await pawl.list()).runs.map(({ id, status }) => [id, status]);
  expect(await statuses()).toEqual([[runOf('t 1'), 'waiting']]);
  await graph.invoke(new Command({ resume: 'yes' }), thread);
  expect(await statuses()).toEqual([[runOf('t 1'), 'queued']]);
  expect(await pawl.delete(runOf('t 1'))).toBe(true);
  expect(await keys('t~201')).toEqual([]);
  expect(await saver.getTuple(thread)).toBeUndefined();
});
