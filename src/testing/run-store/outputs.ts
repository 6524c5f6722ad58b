/** What runs give out: chunks, numbered, by their owner alone, kept within bounds. */
import type { NewChunk, WriteOutcome, WriteParams } from '../../core/outputs.ts';
import type { Ownership, RunStore } from '../../core/store.ts';
import { eventually } from '../eventually.ts';
import {
  bytes,
  claimed,
  commit,
  committed,
  created,
  event,
  everyByte,
  farMs,
  held,
  hex,
  interruption,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

const keepBytes = 1_000_000;

function chunk(text: string, about: Partial<NewChunk> = {}): NewChunk {
  return { output: 'default', step: 'talk', epoch: 1, data: bytes(text), ...about };
}

function writing(owner: Ownership, params: Partial<WriteParams> = {}): WriteParams {
  return { ...owner, token: newId('token'), last: 0, chunks: [chunk('a')], keepBytes, ...params };
}

/** Texts of the chunks that are kept. */
async function kept(store: RunStore, run: string, after = 0): Promise<string[]> {
  const chunks = await store.outputs.read({ run, after, limit: 500 });
  return chunks.map(({ data }) => new TextDecoder().decode(data));
}

function writes(test: RunStoreTest): void {
  test('chunks are numbered, and come back as they were given', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const first = [chunk('a'), chunk('', { output: 'log', step: '', epoch: 2 })];
    const more = [chunk('c', { step: 'ä › i0', epoch: 3 }), chunk('')];
    expect(await store.outputs.write(writing(ownership, { chunks: first }))).toEqual({
      outcome: 'written',
      last: 2,
    });
    const all = [...more, chunk('', { data: everyByte })];
    const outcome = await store.outputs.write(writing(ownership, { last: 2, chunks: all }));
    expect(outcome).toEqual({ outcome: 'written', last: 5 });
    const found = await store.outputs.read({ run: id, after: 0, limit: 10 });
    const about = found.map(({ number, output, step, epoch }) => [number, output, step, epoch]);
    expect(about).toEqual([
      [1, 'default', 'talk', 1],
      [2, 'log', '', 2],
      [3, 'default', 'ä › i0', 3],
      [4, 'default', 'talk', 1],
      [5, 'default', 'talk', 1],
    ]);
    expect(hex(found[4]?.data)).toBe(hex(everyByte));
    const now = await store.observation.now();
    for (const { at, fence } of found) {
      expect(fence).toBe(ownership.fence);
      expect(at <= now && at > now - 60_000).toBe(true);
    }
    expect((await store.record(id))?.chunks).toBe(5);
  });

  test('chunks are read from any place, in pages of any size', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const chunks = Array.from({ length: 25 }, (_, i) => chunk(String(i + 1)));
    await store.outputs.write(writing(ownership, { chunks }));
    const page = await store.outputs.read({ run: id, after: 7, limit: 3 });
    expect(page.map(({ number }) => number)).toEqual([8, 9, 10]);
    expect(await kept(store, id, 24)).toEqual(['25']);
    expect(await kept(store, id, 25)).toEqual([]);
    expect(await kept(store, newId('nobody'))).toEqual([]);
  });

  test('a write changes neither log nor state, and a commit no chunk', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const before = await store.record(id);
    await store.outputs.write(writing(ownership));
    expect(await store.record(id)).toEqual({ ...before, chunks: 1 });
    await committed(store, ownership, { events: [event('one')] });
    expect(await kept(store, id)).toEqual(['a']);
  });

  test('a write sent twice is stored once, also after a later commit', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const params = writing(ownership, { chunks: [chunk('a'), chunk('b')] });
    const first = await store.outputs.write(params);
    await committed(store, ownership, { events: [event('one')] });
    expect(await store.outputs.write(params)).toEqual(first);
    expect(await kept(store, id)).toEqual(['a', 'b']);
  });

  test('of many writes at one place one is stored', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const all = Array.from({ length: 8 }, (_, i) =>
      store.outputs.write(writing(ownership, { chunks: [chunk(String(i))] })),
    );
    const outcomes = (await Promise.all(all)).map(({ outcome }) => outcome).toSorted();
    expect(outcomes).toEqual([...Array.from({ length: 7 }, () => 'conflict'), 'written']);
    expect((await kept(store, id)).length).toBe(1);
  });
}

function owners(test: RunStoreTest): void {
  const refused = async (
    store: RunStore,
    owner: Ownership,
    last: number,
  ): Promise<WriteOutcome['outcome']> =>
    (await store.outputs.write(writing(owner, { last, chunks: [chunk('late')] }))).outcome;

  test('a zombie writes no chunk', async ({ store, expect }) => {
    const { id, worker, ownership } = await held(store);
    await store.outputs.write(writing(ownership));
    await store.fleet.interrupt(interruption(worker));
    expect(await refused(store, ownership, 1)).toBe('fenced');
    const { ownership: next } = await claimed(store, id);
    expect(await refused(store, ownership, 1)).toBe('fenced');
    expect(await refused(store, { ...next, owner: 'stranger' }, 1)).toBe('fenced');
    const chunks = [chunk('b', { epoch: 2 })];
    await store.outputs.write(writing(next, { last: 1, chunks }));
    expect(await kept(store, id)).toEqual(['a', 'b']);
    const [, second] = await store.outputs.read({ run: id, after: 0, limit: 2 });
    expect(second?.fence).toBe(next.fence);
  });

  test('nobody writes to a run that was let go of, or is gone', async ({ store, expect }) => {
    const releases = [
      { status: 'completed', output: bytes('output'), keepMs: farMs },
      { status: 'queued', resendMs: farMs },
    ] as const;
    for (const release of releases) {
      const { id, ownership } = await held(store);
      await store.outputs.write(writing(ownership));
      await committed(store, ownership, { release });
      expect(await refused(store, ownership, 1)).toBe('fenced');
      expect(await kept(store, id)).toEqual(['a']);
      await store.delete(id);
      expect(await refused(store, ownership, 1)).toBe('missing');
    }
  });

  test('an owner that knows of other chunks than there are writes none', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await store.outputs.write(writing(ownership));
    for (const last of [0, 2]) {
      const outcome = await store.outputs.write(writing(ownership, { last }));
      expect(outcome).toEqual({ outcome: 'conflict', last: 1 });
    }
    expect(await kept(store, id)).toEqual(['a']);
  });

  test('who watches is told of new chunks, and a commit says nothing of them', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    let told = 0;
    const stop = await store.outputs.watch(id, () => (told += 1));
    await store.outputs.write(writing(ownership));
    await eventually(opened, 'the watcher is told', () => (told > 0 ? true : undefined));
    await store.commit(commit(ownership, { events: [event('one')] }));
    await stop();
    await store.outputs.write(writing(ownership, { last: 1 }));
    await opened.advance(20);
    expect(told).toBe(1);
  });
}

function bounds(test: RunStoreTest): void {
  test('the oldest chunks make room, and the newest one stays', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const text = 'x'.repeat(100);
    // What is stored may be larger than what was given.
    const roomFor = 8 * 200;
    let last = 0;
    for (let i = 0; i < 60; i++) {
      const params = writing(ownership, { last, chunks: [chunk(text)], keepBytes: roomFor });
      const outcome = await store.outputs.write(params);
      if (outcome.outcome === 'written') ({ last } = outcome);
    }
    expect(last).toBe(60);
    const found = await store.outputs.read({ run: id, after: 0, limit: 100 });
    expect(found.length >= 8 && found.length <= 16).toBe(true);
    expect(found.map(({ number }) => number)).toEqual(
      Array.from(found, (_, i) => 60 - found.length + 1 + i),
    );
    await store.outputs.write(writing(ownership, { last, keepBytes: 1 }));
    expect((await store.outputs.read({ run: id, after: 0, limit: 100 })).length).toBe(1);
    expect((await store.record(id))?.chunks).toBe(61);
  });

  test('old chunks go with the next write', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await store.outputs.write(writing(ownership, { chunks: [chunk('a'), chunk('b')] }));
    await opened.advance(60);
    for (const last of [2, 3]) {
      await store.outputs.write(writing(ownership, { last, chunks: [chunk('c')], keepMs: 50 }));
    }
    expect(await kept(store, id)).toEqual(['c', 'c']);
  });

  test('a deleted run leaves no chunk, and another one of its id begins anew', async (opened) => {
    const { store, traces, expect } = opened;
    const { id, ownership } = await held(store);
    await store.outputs.write(writing(ownership));
    await committed(store, ownership, { release: { status: 'queued', resendMs: farMs } });
    expect(await store.delete(id)).toEqual({ outcome: 'deleted' });
    expect(await kept(store, id)).toEqual([]);
    expect(await traces(id)).toEqual([]);
    await created(store, { run: id });
    expect((await store.record(id))?.chunks).toBe(0);
  });

  test('chunks are measured', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const before = await store.archive.measure(id);
    expect(before?.chunks).toBe(0);
    await store.outputs.write(writing(ownership, { chunks: [chunk('x'.repeat(20_000))] }));
    const after = await store.archive.measure(id);
    expect((after?.chunks ?? 0) >= 20_000).toBe(true);
    expect(after?.log).toBe(before?.log);
  });
}

export const outputsTheme: RunStoreTheme = { name: 'outputs', parts: [writes, owners, bounds] };
