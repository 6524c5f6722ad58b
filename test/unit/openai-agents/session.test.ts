// Goal: a session of OpenAI Agents keeps its contract: changes with an id are made one time, changes of others are never
// lost, limits and encryption hold. Method: the memory store; each test says what a process may see.
import { afterEach, describe, expect, test } from 'vitest';
import { MemorySession } from '@openai/agents';
import type { AgentInputItem } from '@openai/agents';
import { ManualClock } from 'pawl/testing';
import { PawlSession } from 'pawl/openai-agents';
import type { Pawl } from 'pawl';
import { memoryPawl } from '../../support/memory.ts';
import { message } from '../../support/openai-agents.ts';

let opened: Pawl | undefined;
afterEach(() => opened?.close());

function open(parts: Parameters<typeof memoryPawl>[0] = {}): Pawl {
  const { pawl } = memoryPawl(parts);
  opened = pawl;
  return pawl;
}

const textsOf = (items: readonly AgentInputItem[]): unknown[] =>
  items.map((item) => ('content' in item ? item.content : item.type));
const call = (id: string, input = '{}'): AgentInputItem => ({
  type: 'function_call',
  callId: id,
  name: 'refund',
  arguments: input,
});

describe.each(['PawlSession', 'MemorySession'] as const)('the contract, by %s', (kind) => {
  const session = (): PawlSession | MemorySession =>
    kind === 'PawlSession'
      ? new PawlSession(open(), { sessionId: 's' })
      : new MemorySession({ sessionId: 's' });

  test('items come in their order, the newest ones with a limit', async () => {
    const own = session();
    expect(await own.getSessionId()).toBe('s');
    expect(await own.getItems()).toEqual([]);
    expect(await own.popItem()).toBeUndefined();
    await own.addItems([message('1'), message('2')]);
    await own.addItems([]);
    await own.addItems([message('3')]);
    expect(textsOf(await own.getItems())).toEqual(['1', '2', '3']);
    expect(textsOf(await own.getItems(2))).toEqual(['2', '3']);
    expect(await own.getItems(0)).toEqual([]);
    expect(await own.popItem()).toEqual(message('3'));
    const [first] = await own.getItems();
    Object.assign(first as object, { content: 'changed' });
    expect(textsOf(await own.getItems())).toEqual(['1', '2']);
    await own.clearSession();
    expect(await own.getItems()).toEqual([]);
    await own.addItems([message('4')]);
    expect(textsOf(await own.getItems())).toEqual(['4']);
  });

  test('a change with an id is made one time, and another one under its id is refused', async () => {
    const own = session();
    const append = { type: 'append_items' as const, items: [message('1'), message('2')] };
    await own.applyHistoryTransaction({ operationId: 'a', transaction: append });
    await own.applyHistoryTransaction({ operationId: 'a', transaction: append });
    expect(textsOf(await own.getItems())).toEqual(['1', '2']);
    const other = { type: 'append_items' as const, items: [message('3')] };
    const again = { operationId: 'a', transaction: other };
    await expect(own.applyHistoryTransaction(again)).rejects.toThrow();
    const empty = { operationId: ' ', transaction: other };
    await expect(own.applyHistoryTransaction(empty)).rejects.toThrow();
    const expectedSuffix = [{ content: '2', role: 'user' } as AgentInputItem];
    const transaction = {
      type: 'replace_suffix' as const,
      expectedSuffix,
      replacement: [call('c')],
    };
    await own.applyHistoryTransaction({ operationId: 'b', transaction });
    await own.applyHistoryTransaction({ operationId: 'b', transaction });
    expect(textsOf(await own.getItems())).toEqual(['1', 'function_call']);
    const late = { operationId: 'c', transaction };
    await expect(own.applyHistoryTransaction(late)).rejects.toThrow();
    const long = { ...transaction, expectedSuffix: [message('0'), ...(await own.getItems())] };
    await expect(
      own.applyHistoryTransaction({ operationId: 'd', transaction: long }),
    ).rejects.toThrow();
    expect(textsOf(await own.getItems())).toEqual(['1', 'function_call']);
  });

  test('a call of a function is replaced where it stands', async () => {
    const own = session();
    await own.addItems([message('1'), call('a'), call('b'), call('a'), message('2')]);
    const replacement = call('a', '{"n":1}') as never;
    const mutations = [{ type: 'replace_function_call' as const, callId: 'a', replacement }];
    await own.applyHistoryMutations({ mutations });
    expect(await own.getItems()).toEqual([message('1'), replacement, call('b'), message('2')]);
  });
});

test('many processes change a session at the same time, and each change is there, once', async () => {
  const pawl = open();
  const writers = Array.from({ length: 6 }, () => new PawlSession(pawl, { sessionId: 'shared' }));
  await Promise.all(
    writers.flatMap((session, w) =>
      Array.from({ length: 15 }, (_, i) =>
        session.applyHistoryTransaction({
          operationId: `${w % 3}-${i}`,
          transaction: { type: 'append_items', items: [message(`${w % 3}-${i}`)] },
        }),
      ),
    ),
  );
  const items = textsOf(await new PawlSession(pawl, { sessionId: 'shared' }).getItems());
  expect(new Set(items).size).toBe(45);
  expect(items).toHaveLength(45);
});

test('two processes that take the newest item never take the same one', async () => {
  const pawl = open();
  const writers = Array.from({ length: 4 }, () => new PawlSession(pawl, { sessionId: 'shared' }));
  await writers[0]?.addItems(Array.from({ length: 12 }, (_, i) => message(String(i))));
  const popped = await Promise.all(
    writers.flatMap((session) => [0, 1, 2, 3].map(() => session.popItem())),
  );
  const taken = textsOf(popped.filter((item) => item !== undefined));
  expect(new Set(taken).size).toBe(12);
  expect(taken).toHaveLength(12);
});

test('a long history is loaded from its snapshot, and is the same', async () => {
  const pawl = open();
  const session = new PawlSession(pawl, { sessionId: 'long' });
  for (let i = 0; i < 30; i += 1) {
    await session.addItems(Array.from({ length: 10 }, (_, j) => message(`${i}-${j}`)));
    await session.popItem();
  }
  const latest = await pawl.checkpointer.loadLatest(session.run);
  expect(latest?.version).toBeGreaterThan(1);
  expect(latest?.events.length).toBeLessThan(60);
  const items = textsOf(await new PawlSession(pawl, { sessionId: 'long' }).getItems());
  expect(items).toHaveLength(270);
  expect(items.at(-1)).toBe('29-8');
  const operationId = 'kept';
  const transaction = { type: 'append_items' as const, items: [message('once')] };
  await session.applyHistoryTransaction({ operationId, transaction });
  await session.addItems(Array.from({ length: 300 }, (_, j) => message(String(j))));
  await new PawlSession(pawl, { sessionId: 'long' }).applyHistoryTransaction({
    operationId,
    transaction,
  });
  expect(await session.getItems()).toHaveLength(571);
});

test('a compaction puts its items in the place of all others, in one save', async () => {
  const pawl = open();
  const session = new PawlSession(pawl, { sessionId: 's' });
  await session.addItems(Array.from({ length: 400 }, (_, j) => message(String(j))));
  const before = (await pawl.checkpointer.info(session.run))?.seq ?? 0;
  await session.replaceHistoryWithCompaction([message('sum'), message('last')]);
  expect(textsOf(await session.getItems())).toEqual(['sum', 'last']);
  const types: string[] = [];
  for await (const { type } of pawl.checkpointer.listEvents(session.run, { since: before })) {
    types.push(type);
  }
  expect(types).toEqual(['run.claimed', 'items.removed', 'items.added']);
});

test('what is too large, or cannot be stored, is refused, and nothing is written', async () => {
  const session = new PawlSession(open(), { sessionId: 's' });
  await session.addItems([message('1')]);
  const large = [message('2'), message('x'.repeat(300 * 1024))];
  await expect(session.addItems(large)).rejects.toMatchObject({ code: 'PAWL_LIMIT' });
  const many = Array.from({ length: 6 }, () => message('x'.repeat(200 * 1024)));
  await expect(session.addItems(many)).rejects.toMatchObject({ code: 'PAWL_LIMIT' });
  const odd = [{ role: 'user', content: () => 1 }] as never;
  await expect(session.addItems(odd)).rejects.toMatchObject({ code: 'PAWL_UNSTORABLE' });
  expect(textsOf(await session.getItems())).toEqual(['1']);
  await session.addItems(Array.from({ length: 2_000 }, (_, i) => message(String(i))));
  expect(await session.getItems()).toHaveLength(2_001);
});

test.each(['', 'x'.repeat(1_025), '\ud800', 7 as never])(
  'a session is not called %j',
  (sessionId) => {
    expect(() => new PawlSession(open(), { sessionId })).toThrow(
      expect.objectContaining({ code: 'PAWL_INVALID' }),
    );
  },
);

test('sessions with ids of any text have runs of their own', async () => {
  const pawl = open();
  const ids = ['a b', 'a~20b', 'ä', '{x}', 'x'.repeat(1_000)];
  for (const sessionId of ids) {
    await new PawlSession(pawl, { sessionId }).addItems([message(sessionId)]);
  }
  for (const sessionId of ids) {
    expect(textsOf(await new PawlSession(pawl, { sessionId }).getItems())).toEqual([sessionId]);
  }
  const { runs } = await pawl.checkpointer.listRuns({ workflow: 'openai-session' });
  expect(runs.map(({ status }) => status)).toEqual(ids.map(() => 'queued'));
  expect(new PawlSession(pawl, { sessionId: 'a b' }).run).toBe('session~a~20b');
});

test('nothing of an encrypted session is stored in clear, and it is read again', async () => {
  const encryption = { keys: { k: Buffer.alloc(32, 7) }, current: 'k' };
  const { pawl, store } = memoryPawl({ encryption });
  opened = pawl;
  const session = new PawlSession(pawl, { sessionId: 's' });
  await session.addItems([message('a secret word')]);
  const { events } = (await store.load(session.run)) ?? { events: [] };
  const bytes = Buffer.concat(events.map(({ data }) => data)).toString('latin1');
  expect(bytes).not.toContain('secret');
  expect(textsOf(await session.getItems())).toEqual(['a secret word']);
});

test('a session whose time is over is deleted, and one that is changed stays', async () => {
  const clock = new ManualClock();
  const { MemoryRunStore } = await import('../../../src/memory/run-store.ts');
  const pawl = open({ clock, store: new MemoryRunStore({ clock }) });
  const old = new PawlSession(pawl, { sessionId: 'old', ttl: '1h' });
  const kept = new PawlSession(pawl, { sessionId: 'kept' });
  const living = new PawlSession(pawl, { sessionId: 'living', ttl: '1h' });
  for (const session of [old, kept, living]) await session.addItems([message('1')]);
  // Its process has died before it let go.
  await pawl.checkpointer.claim(old.run);
  await clock.advance(50 * 60_000);
  await living.addItems([message('2')]);
  expect(await old.getItems()).toHaveLength(1);
  await clock.advance(20 * 60_000);
  await living.addItems([message('3')]);
  await expect.poll(() => old.getItems()).toEqual([]);
  expect(await pawl.checkpointer.info(old.run)).toBeUndefined();
  expect(await living.getItems()).toHaveLength(3);
  expect(await kept.getItems()).toHaveLength(1);
});
