// Goal: the store keeps the contract that assistant-ui has for resumable streams, and its lease is a fence. Method: each
// test of the contract also runs over the store in memory of assistant-ui; their context uses ours.
import {
  createInMemoryResumableStreamStore,
  createResumableStreamContext,
  type ResumableStreamStore,
} from 'assistant-stream/resumable';
import { afterEach, describe, expect, test } from 'vitest';
import type { Pawl } from 'pawl';
import { resumableStore } from 'pawl/assistant-ui';
import { ManualClock } from 'pawl/testing';
import { MemoryRunStore } from '../../../src/memory/run-store.ts';
import { memoryPawl } from '../../support/memory.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (chunk: Uint8Array): string => new TextDecoder().decode(chunk);
const hour = 3_600_000;

let opened: Pawl | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

function open(): { readonly pawl: Pawl; readonly clock: ManualClock } {
  const clock = new ManualClock();
  const { pawl } = memoryPawl({ clock, store: new MemoryRunStore({ clock }) });
  opened = pawl;
  return { pawl, clock };
}

async function readAll(
  store: ResumableStreamStore,
  id: string,
  cursor = '',
): Promise<{ texts: string[]; cursors: string[]; error: string | undefined }> {
  const texts: string[] = [];
  const cursors: string[] = [];
  try {
    for await (const entry of store.read(id, cursor, new AbortController().signal)) {
      texts.push(textOf(entry.chunk));
      cursors.push(entry.cursor);
    }
    return { texts, cursors, error: undefined };
  } catch (error) {
    return { texts, cursors, error: (error as Error).message };
  }
}

describe.each(['pawl', 'their own'] as const)('the contract, by %s', (kind) => {
  function make(): { store: Required<ResumableStreamStore>; pass: (ms: number) => Promise<void> } {
    if (kind === 'pawl') {
      const { pawl, clock } = open();
      return { store: resumableStore(pawl), pass: (ms) => clock.advance(ms) };
    }
    let now = 0;
    const store = createInMemoryResumableStreamStore({ now: () => now });
    return {
      store: store as Required<ResumableStreamStore>,
      pass: async (ms) => {
        now += ms;
      },
    };
  }

  test('one caller is the producer, and all others are consumers, also after the end', async () => {
    const { store } = make();
    const roles = await Promise.all([1, 2, 3, 4, 5].map(() => store.acquire('s')));
    expect(roles.filter((role) => role === 'producer')).toHaveLength(1);
    expect(await store.acquire('other')).toBe('producer');
    await store.finalize('other', 'done');
    expect(await store.acquireLease('other')).toEqual({ role: 'consumer' });
  });

  test('what was appended is read again and again, then what comes, until the end', async () => {
    const { store } = make();
    expect(await store.status('s')).toBe('missing');
    await store.acquire('s');
    const buffer = bytes('one');
    await store.append('s', buffer);
    buffer.fill(0);
    expect(await store.status('s')).toBe('streaming');
    const readers = [readAll(store, 's'), readAll(store, 's')];
    await store.append('s', bytes('two'));
    await store.append('s', bytes('größer'));
    expect(await store.finalize('s', 'done')).toBe(true);
    expect(await store.finalize('s', 'error', 'late')).toBe(false);
    for (const reader of readers) expect((await reader).texts).toEqual(['one', 'two', 'größer']);
    expect(await store.status('s')).toBe('done');
    const { cursors } = await readAll(store, 's');
    expect((await readAll(store, 's', cursors[0])).texts).toEqual(['two', 'größer']);
    expect((await readAll(store, 's', cursors[2])).texts).toEqual([]);
    await expect(store.append('s', bytes('late'))).rejects.toThrow();
    expect((await readAll(store, 's')).texts).toHaveLength(3);
  });

  test('a stream that failed says why, after what was appended', async () => {
    const { store } = make();
    const { lease } = (await store.acquireLease('s')) as { lease: { token: string } };
    await store.append('s', bytes('one'), lease);
    expect(await store.finalize('s', 'error', 'no ink', lease)).toBe(true);
    expect(await store.status('s')).toBe('error');
    expect(await readAll(store, 's')).toMatchObject({ texts: ['one'], error: 'no ink' });
    await store.acquire('silent');
    await store.finalize('silent', 'error', undefined);
    expect((await readAll(store, 'silent')).error).toMatch(/error|failed/i);
  });

  test('a stream that is not there is said to be missing', async () => {
    const { store } = make();
    await expect(store.append('s', bytes('x'), { token: '1.x' })).rejects.toThrow();
    await expect(store.finalize('s', 'done', undefined, { token: '1.x' })).rejects.toThrow();
    expect((await readAll(store, 's')).error).toBeDefined();
    await store.delete('s');
    for (const id of ['', 'a b', 'ä', 'x'.repeat(257)]) {
      await expect(store.acquire(id)).rejects.toMatchObject({ code: 'invalid-id' });
    }
  });

  test('a reader stops when it is told so, and when its stream is deleted', async () => {
    const { store } = make();
    await store.acquire('s');
    await store.append('s', bytes('one'));
    const stop = new AbortController();
    const texts: string[] = [];
    for await (const { chunk } of store.read('s', '', stop.signal)) {
      texts.push(textOf(chunk));
      stop.abort();
    }
    expect(texts).toEqual(['one']);
    const reader = readAll(store, 's');
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    await store.delete('s');
    if (kind === 'pawl') await store.acquire('s');
    expect((await reader).texts).toEqual(['one']);
  });

  test('a stream lives on while chunks come, and its producer is refused after its time', async () => {
    const { store, pass } = make();
    const first = await store.acquireLease('s', { ttlMs: hour });
    const { lease } = first as { lease: { token: string } };
    for (let i = 0; i < 3; i += 1) {
      await store.append('s', bytes(String(i)), lease);
      await pass(hour / 2);
    }
    expect(await store.acquire('s')).toBe('consumer');
    await pass(hour);
    expect(await store.status('s')).toBe('missing');
    const second = await store.acquireLease('s', { ttlMs: hour });
    expect(second.role).toBe('producer');
    const late = store.append('s', bytes('late'), lease);
    await expect(late).rejects.toMatchObject({ code: 'missing' });
    expect(await store.finalize('s', 'done', undefined, lease)).toBe(false);
    const newer = (second as { lease: { token: string } }).lease;
    await store.append('s', bytes('new'), newer);
    expect(await store.finalize('s', 'done', undefined, newer)).toBe(true);
    expect((await readAll(store, 's')).texts).toEqual(['new']);
    await pass(hour);
    expect(await store.status('s')).toBe('missing');
  });
});

test('a new producer goes on with the stream of one that has died, and the old one is refused', async () => {
  const { pawl } = open();
  const [one, two] = [resumableStore(pawl), resumableStore(pawl)];
  const { lease } = (await one.acquireLease('s')) as { lease: { token: string } };
  await one.append('s', bytes('one '), lease);
  const reader = readAll(two, 's');
  const taken = await two.takeOver('s');
  await expect(one.append('s', bytes('never '), lease)).rejects.toMatchObject({ code: 'missing' });
  await expect(one.append('s', bytes('never '))).rejects.toMatchObject({ code: 'missing' });
  expect(await one.finalize('s', 'done', undefined, lease)).toBe(false);
  await two.append('s', bytes('two'), taken ?? undefined);
  // A lease says all that is needed: any process may use it.
  await resumableStore(pawl).append('s', bytes('!'), taken ?? undefined);
  await two.append('s', bytes('?'));
  await two.finalize('s', 'done');
  expect((await reader).texts.join('')).toBe('one two!?');
  expect(await two.takeOver('s')).toBeNull();
  expect(await two.takeOver('nobody')).toBeNull();
});

test('appends that are called at the same time keep their order, and large ones are one text', async () => {
  const { pawl } = open();
  const store = resumableStore(pawl);
  await store.acquire('s');
  const large = 'x'.repeat(200_000);
  await Promise.all(['a', 'b', large, 'c'].map((text) => store.append('s', bytes(text))));
  await store.finalize('s', 'done');
  expect((await readAll(store, 's')).texts.join('')).toBe(`ab${large}c`);
});

test('the context of assistant-ui streams through it, to its producer and to all who resume', async () => {
  const { pawl } = open();
  const context = createResumableStreamContext({ store: resumableStore(pawl) });
  const source = (): ReadableStream<Uint8Array> =>
    ReadableStream.from(['One ', 'word ', 'more.'].map((word) => bytes(word)));
  const produced = await context.run('s', source);
  const joined = await context.run('s', () => {
    throw new Error('There is a producer.');
  });
  expect(await new Response(produced).text()).toBe('One word more.');
  expect(await new Response(joined).text()).toBe('One word more.');
  const resumed = await context.resume('s');
  expect(await new Response(resumed).text()).toBe('One word more.');
  expect(await context.resume('nobody')).toBeNull();
  const failing = (): ReadableStream<Uint8Array> =>
    ReadableStream.from(
      (async function* words() {
        yield bytes('Half ');
        await Promise.reject(new Error('no ink'));
      })(),
    );
  await expect(new Response(await context.run('f', failing)).text()).rejects.toThrow('no ink');
});

test('a stream is a run that lists show, and one that nobody needs is deleted', async () => {
  const { pawl, clock } = open();
  const store = resumableStore(pawl, { ttl: '1h' });
  await store.acquire('dead');
  await store.acquire('a:b');
  const { runs } = await pawl.checkpointer.listRuns({ workflow: 'assistant-stream' });
  expect(runs.map(({ run }) => run).toSorted()).toEqual(['stream~a~3ab', 'stream~dead']);
  expect(runs.map(({ metadata }) => metadata)).toContainEqual({ stream: 'a:b', ttlMs: hour });
  await clock.advance(hour / 2);
  await store.append('a:b', bytes('x'));
  await clock.advance(hour / 2);
  await store.acquire('next');
  await expect.poll(async () => pawl.checkpointer.info('stream~dead')).toBeUndefined();
  expect(await store.status('a:b')).toBe('streaming');
});

test('a run of something else is not taken, and options are checked', async () => {
  const { pawl } = open();
  await pawl.checkpointer.claim('stream~s');
  const store = resumableStore(pawl);
  await expect(store.acquire('s')).rejects.toMatchObject({ code: 'PAWL_RUN_EXISTS' });
  expect(() => resumableStore(pawl, { tll: '1d' } as never)).toThrow('Did you mean ttl?');
});

test('chunks that come with the end, behind a page that was empty, are read', async () => {
  const store = new MemoryRunStore();
  const { pawl } = memoryPawl({ store });
  opened = pawl;
  const streams = resumableStore(pawl);
  await streams.acquire('s');
  await streams.append('s', bytes('one '));
  const record = store.record.bind(store);
  const stop = new AbortController();
  let texts = '';
  for await (const { chunk } of streams.read('s', '', stop.signal)) {
    texts += textOf(chunk);
    if (texts !== 'one ') continue;
    // The next look at the run comes behind a page without chunks.
    store.record = async (run) => {
      store.record = record;
      await streams.append('s', bytes('two'));
      await streams.finalize('s', 'done');
      return store.record(run);
    };
  }
  expect(texts).toBe('one two');
});
