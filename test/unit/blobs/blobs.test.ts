// Goal: large values lie in the blob store and come back whole, whatever happens to their runs; nothing is lost, nothing is
// kept for good, and what is missing is said. Method: workflows over the memory store, and the sweep called by hand.
import { describe, expect, test } from 'vitest';
import { BlobError, defineWorkflow, Pawl, type RunError } from 'pawl';
import { crashTest, MemoryBlobStore } from 'pawl/testing';
import { z } from 'zod';
import { Upkeep } from '../../../src/blobs/upkeep.ts';
import { Vault } from '../../../src/blobs/vault.ts';
import type { BlobStore } from '../../../src/core/blobs.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { systemClock } from '../../../src/engine/system-clock.ts';
import { MemoryResumeQueue } from '../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../src/memory/run-store.ts';
import { allEvents } from '../../support/workers.ts';

const overBytes = 1_000;
const large = (letter: string): string => letter.repeat(5_000);

const signals = { page: z.string(), go: z.null() };

/** Everything that may be large: input, result, event, state, message, metadata, output. */
const pages = defineWorkflow({
  name: 'pages',
  input: z.object({ first: z.string() }),
  state: z.object({ all: z.array(z.string()).default([]) }),
  events: { read: z.string() },
  reduce: { read: (state, page) => ({ all: [...state.all, page] }) },
  signals,
  async run(ctx, { first }) {
    const second = await ctx.step('second', (step) => {
      step.emit('read', first);
      return large('b');
    });
    await ctx.step('keep', (step) => step.emit('read', second));
    await ctx.checkpoint({ label: 'two', metadata: large('m') });
    const third = await ctx.waitFor('page');
    return [...ctx.state.all, third];
  },
});

function setUp(blobs: BlobStore = new MemoryBlobStore(), encrypted = false) {
  const store = new MemoryRunStore();
  const keys = { k: new Uint8Array(32).fill(1) };
  const pawl = Pawl.assemble({
    store,
    queue: new MemoryResumeQueue(),
    blobs: { store: blobs, overBytes },
    ...(encrypted ? { encryption: { keys, current: 'k', required: true } } : {}),
  });
  const times = { sweepMs: 3_600_000, pendingMs: -1, garbageMs: -1 };
  const vault = new Vault(blobs, systemClock);
  const upkeep = new Upkeep({ store, vault, clock: systemClock, logger: silentLogger, times });
  return { store, pawl, upkeep };
}

async function waiting(run: { info(): Promise<{ status: string }> }): Promise<void> {
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
}

describe('values over the limit', () => {
  test.each([false, true])(
    'come back whole, encrypted: %s; little stays in the store',
    async (encrypted) => {
      const blobs = new MemoryBlobStore();
      const { pawl, store } = setUp(blobs, encrypted);
      await using _ = pawl;
      pawl.worker({ workflows: [pages] });
      const run = await pawl.start(pages, { first: large('a') }, { id: 'r' });
      await waiting(run);
      expect(await run.state()).toEqual({ all: [large('a'), large('b')] });
      const [kept] = await run.checkpoints();
      expect(kept?.metadata).toBe(large('m'));
      await run.signal('page', large('c'));
      expect(await run.result()).toEqual([large('a'), large('b'), large('c')]);
      const raw = await store.events({ run: 'r', after: 0, limit: 100 });
      expect(Math.max(...raw.map(({ data }) => data.length))).toBeLessThan(overBytes + 100);
      expect(blobs.values.size).toBeGreaterThan(5);
      const clear = [...blobs.values.values()].some((bytes) =>
        Buffer.from(bytes).includes('aaaaaaaa'),
      );
      expect(clear).toBe(!encrypted);
      // The address of a sealed value tells nothing: the same value twice has two.
      const again = await pawl.start(pages, { first: large('a') }, { id: 's' });
      await waiting(again);
      const hashes = [...blobs.values.keys()].map((address) => address.slice(0, 64));
      if (encrypted) expect(new Set(hashes).size).toBe(hashes.length);
    },
  );

  test('may be larger than without blobs, and the limits still hold', async () => {
    const { pawl } = setUp();
    await using _ = pawl;
    const echo = defineWorkflow({
      name: 'echo',
      run: (ctx, input) => ctx.step('echo', () => input),
    });
    pawl.worker({ workflows: [echo] });
    const mega = 'x'.repeat(3_000_000);
    expect(await (await pawl.start(echo, mega)).result()).toBe(mega);
    await expect(pawl.start(echo, 'x'.repeat(17_000_000))).rejects.toMatchObject({
      code: 'PAWL_LIMIT',
      limit: 16 * 1024 * 1024,
    });
  });

  test('a pawl without blobs says what it lacks', async () => {
    const { pawl, store } = setUp();
    await using _ = pawl;
    const run = await pawl.start(pages, { first: large('a') });
    const plain = Pawl.assemble({ store, queue: new MemoryResumeQueue() });
    const infos = await plain.list();
    expect(infos.runs.map(({ id }) => id)).toEqual([run.id]);
    plain.worker({ workflows: [pages] });
    const error = await plain
      .run(run.id)
      .result()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'PAWL_RUN_QUARANTINED', cause: { code: 'PAWL_CORRUPT' } });
    expect(String((error as RunError).cause)).toContain('opened without one');
    await plain.close();
  });
});

describe('a blob that is missing or damaged', () => {
  test.concurrent.each([
    ['missing', (blobs: MemoryBlobStore) => blobs.values.clear()],
    [
      'damaged',
      (blobs: MemoryBlobStore) => {
        for (const bytes of blobs.values.values()) bytes[9] = (bytes[9] ?? 0) ^ 1;
      },
    ],
  ])('%s quarantines the run, with its address, and is never a value', async (what, spoil) => {
    const blobs = new MemoryBlobStore();
    const { pawl, store } = setUp(blobs);
    await using _ = pawl;
    await pawl.start(pages, { first: large('a') }, { id: 'r' });
    const [address = ''] = await store.blobs.of('r');
    spoil(blobs);
    // Another process, which has nothing in its cache.
    const queue = new MemoryResumeQueue();
    const other = Pawl.assemble({ store, queue, blobs: { store: blobs, overBytes } });
    other.worker({ workflows: [pages] });
    const error = await other
      .run('r')
      .result()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'PAWL_RUN_QUARANTINED', cause: { address } });
    const { cause } = error as RunError;
    expect(cause).toBeInstanceOf(BlobError);
    expect(String(cause)).toContain(what);
    expect(String(cause)).toContain('run r');
    await other.close();
  });
});

describe('nothing is kept for good', () => {
  test('the blobs of a run go with it, and those of its fork and of its copy stay', async () => {
    const blobs = new MemoryBlobStore();
    const { pawl, upkeep } = setUp(blobs);
    await using _ = pawl;
    pawl.worker({ workflows: [pages] });
    const run = await pawl.start(pages, { first: large('a') }, { id: 'r' });
    await waiting(run);
    const lines: string[] = [];
    for await (const line of pawl.export('r')) lines.push(line);
    expect(lines.join('\n')).toContain('aaaaaaaa');
    const fork = await pawl.fork(pages, 'r', { step: 'second' }, { id: 'f' });
    await waiting(fork);
    await pawl.delete('r');
    await upkeep.sweep();
    expect(blobs.values.size).toBeGreaterThan(0);
    expect((await fork.state()).all).toEqual([large('a'), large('b')]);
    await pawl.import(lines);
    const copy = pawl.run(pages, 'r');
    expect((await copy.state()).all).toEqual([large('a'), large('b')]);
    await fork.signal('page', large('c'));
    await fork.result();
    await pawl.delete('f');
    await upkeep.sweep();
    expect((await copy.state()).all).toEqual([large('a'), large('b')]);
    await pawl.delete('r');
    await upkeep.sweep();
    expect(blobs.values.size).toBe(0);
    upkeep.close();
  });

  test('what was compacted, taken and saved anew goes, and a checkpoint keeps its own', async () => {
    const blobs = new MemoryBlobStore();
    const { pawl, upkeep, store } = setUp(blobs);
    await using _ = pawl;
    const growing = defineWorkflow({
      name: 'growing',
      state: z.object({ text: z.string().default('') }),
      signals,
      async run(ctx) {
        for (let i = 0; i < 100; i++) {
          await ctx.set({ text: large(String(i % 10)) });
          await ctx.checkpoint(i === 50 ? { label: 'half' } : { label: `round ${i}` });
        }
        await ctx.waitFor('go');
      },
    });
    pawl.worker({ workflows: [growing] });
    const run = await pawl.start(growing, undefined, { id: 'g' });
    await waiting(run);
    const all = await run.checkpoints({ limit: 500 });
    const ids = all.filter(({ label }) => label !== 'half').map(({ id }) => id);
    await pawl.forgetCheckpoints('g', ids);
    await pawl.compact('g');
    await upkeep.sweep();
    // The state of now, that of the checkpoint, and the few events after the last snapshot.
    expect((await store.blobs.of('g')).length).toBeLessThan(6);
    expect(blobs.values.size).toBeLessThan(6);
    const [half] = await run.checkpoints();
    expect(await run.checkpoint(half?.id ?? '')).toEqual({ text: large('0') });
    expect(await run.state()).toEqual({ text: large('9') });
    upkeep.close();
  });
});

describe('a blob store that fails', () => {
  test('holds up a commit and loses nothing', async () => {
    let calls = 0;
    const inner = new MemoryBlobStore();
    const flaky: BlobStore = {
      put: async (address, bytes) => {
        calls += 1;
        if (calls % 3 === 1) throw new Error('slow down');
        await inner.put(address, bytes);
      },
      get: (address) => inner.get(address),
      delete: (address) => inner.delete(address),
    };
    const { pawl } = setUp(flaky);
    await using _ = pawl;
    pawl.worker({ workflows: [pages] });
    const run = await pawl.start(pages, { first: large('a') });
    await run.signal('page', large('c'));
    expect(await run.result()).toEqual([large('a'), large('b'), large('c')]);
    expect((await allEvents(run)).filter(({ type }) => type === 'read')).toHaveLength(2);
  });

  test('a start that finds it away says that nothing was written', async () => {
    const away: BlobStore = {
      put: () => Promise.reject(new Error('no bucket')),
      get: async () => undefined,
      delete: async () => undefined,
    };
    const { pawl, store } = setUp(away);
    await using _ = pawl;
    await expect(pawl.start(pages, { first: large('a') }, { id: 'r' })).rejects.toMatchObject({
      code: 'PAWL_UNAVAILABLE',
      outcome: 'not-applied',
      retryable: true,
    });
    expect(await store.record('r')).toBeUndefined();
  });

  test('a value that was swept before its write is put again', async () => {
    const blobs = new MemoryBlobStore();
    const { pawl, store } = setUp(blobs);
    await using _ = pawl;
    const sweepAll = { pendingMs: -1, garbageMs: -1, limit: 100 };
    let swept = 0;
    const put = blobs.put.bind(blobs);
    blobs.put = async (address, bytes) => {
      await put(address, bytes);
      if ((swept += 1) > 2) return;
      // Its writer is frozen here, for as long as it takes to count as dead.
      for (const note of await store.blobs.collect(sweepAll)) await blobs.delete(note.address);
    };
    pawl.worker({ workflows: [pages] });
    const run = await pawl.start(pages, { first: large('a') });
    await run.signal('page', large('c'));
    expect(await run.result()).toEqual([large('a'), large('b'), large('c')]);
  });
});

test('a death between a blob and its commit changes nothing', async () => {
  const blobs = new MemoryBlobStore();
  const report = await crashTest(
    pages,
    { first: large('a') },
    {
      blobs: { store: blobs, overBytes },
      signals: [{ name: 'page', payload: large('c'), after: 3 }],
    },
  );
  expect(report.violations).toEqual([]);
  expect(report.crashes).toBeGreaterThan(10);
});
