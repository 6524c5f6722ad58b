// Goal: what somebody has taken out of Redis is missed, by name, before anything is made of what is left. Method: runs that
// came about in every way there is; a field of their snapshot, or an event of their log, deleted by hand.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, Pawl, type RunEvent } from 'pawl';
import type { Ownership, SnapshotDelta } from '../../src/core/store.ts';
import { encodeRecord } from '../../src/engine/payloads.ts';
import { Keys } from '../../src/redis/keys.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import {
  bytes,
  claimed,
  claiming,
  committed,
  created,
  event,
  held,
} from '../../src/testing/run-store/opened.ts';
import { newPrefix } from '../support/workers.ts';

const prefix = newPrefix();
const keys = new Keys(prefix, 1);
const corrupt = (rest: object = {}): object =>
  expect.objectContaining({ code: 'PAWL_CORRUPT', ...rest });
let redis: Redis;
let store: RedisRunStore;

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  store = await RedisRunStore.open({ redis: inject('redisUrl'), prefix, shards: 1 });
});

afterAll(async () => {
  const all = await redis.keys(`{${prefix}*`);
  if (all.length > 0) await redis.unlink(all);
  redis.disconnect();
  await store.close();
});

function delta(names: readonly string[], more: Partial<SnapshotDelta> = {}): SnapshotDelta {
  return { schema: 1, set: new Map(names.map((n) => [n, bytes(n)])), remove: [], ...more };
}

const some = ['state:a', 'state:b', 'step:c'];
const keep = { marks: [{ label: 'kept' }], bytes: 3 };
const queued = { status: 'queued', resendMs: 0 } as const;

/** Saves one after the other. */
async function saved(...saves: readonly SnapshotDelta[]): Promise<string> {
  const { id, ownership } = await held(store);
  for (const snapshot of saves) await committed(store, ownership, { snapshot });
  await committed(store, ownership, { release: queued });
  return id;
}

async function exportedAndImported(): Promise<string> {
  const id = `imported-${randomUUID()}`;
  const [token, at] = ['import', 1_700_000_000_000];
  const set = new Map(some.map((name) => [name, bytes(name)]));
  const first = { seq: 1, fence: 0, type: 'run.created', at, data: bytes('1') };
  await store.transfer.stage({ run: id, token, events: [first], saves: [{ set, remove: [] }] });
  const { record } = await store.create({
    run: newPrefix(),
    workflow: 'w',
    input: bytes(''),
    tags: {},
    data: bytes(''),
    token: randomUUID(),
    resendMs: 0,
  });
  const { outcome } = await store.transfer.restore({
    token,
    record: { ...record, id, version: 1, snapshotSeq: 1 },
    unmanaged: false,
    snapshot: { version: 1, seq: 1, schema: 1, at },
    notifyPending: false,
    cancelPending: false,
    woken: false,
    keepMs: 0,
    staged: { events: 1, checkpoints: 0, messages: 0 },
  });
  expect(outcome).toBe('restored');
  return id;
}

async function compactedAndPacked(): Promise<string> {
  const names = Array.from({ length: 20 }, (_, i) => `step:${i}`);
  const { id, ownership } = await held(store);
  const release = { status: 'failed', error: bytes('error'), keepMs: 60_000 } as const;
  await committed(store, ownership, { snapshot: delta(names), events: [event('one')] });
  await committed(store, ownership, { expectedSeq: 3, release });
  await store.archive.compact({ run: id, limit: 100 });
  return id;
}

/** How a snapshot may come about; each has some fields beside what it says of itself. */
const ways: readonly (readonly [string, () => Promise<string>])[] = [
  ['saved once', () => saved(delta(some))],
  ['added to', () => saved(delta(['state:a']), delta(some))],
  ['cut', () => saved(delta([...some, 'x', 'y']), delta([], { remove: ['x', 'y', 'absent'] }))],
  [
    'unpacked by a change',
    () => saved(delta(some, { full: true }), delta(['d'], { remove: ['state:a'] })),
  ],
  [
    'changed under a checkpoint',
    () => saved(delta(some, { checkpoints: keep }), delta(['state:a'], { remove: ['step:c'] })),
  ],
  ['of a fork', () => created(store, { snapshot: delta(some) })],
  ['of an import', exportedAndImported],
];

/** Whether the run can still be read, in each way of reading it. */
async function readings(run: string): Promise<readonly unknown[]> {
  const reads = [
    () => store.load(run),
    () => store.transfer.export(run),
    () => store.claim(claiming(run)),
  ];
  return Promise.all(reads.map((read) => read().catch((error: unknown) => error)));
}

describe('a field that is gone from a snapshot', () => {
  test.each(ways)('%s is missed', async (_, make) => {
    const run = await make();
    const key = keys.of(run).snapshot(run);
    expect((await store.load(run))?.snapshot?.fields.size).toBeGreaterThan(0);
    const [field = ''] = (await redis.hkeys(key)).filter(
      (name) => name.includes(':') || name === 'd',
    );
    await redis.hdel(key, field);
    for (const found of await readings(run)) expect(found).toEqual(corrupt({ key }));
  });

  test('that is packed is missed', async () => {
    for (const run of [await saved(delta(some, { full: true })), await compactedAndPacked()]) {
      const key = keys.of(run).snapshot(run);
      const packed = await redis.hgetBuffer(key, 'packed');
      expect(packed).not.toBeNull();
      // One field less, and its lengths fit.
      const count = packed?.readUInt32BE(0) ?? 0;
      const first = 4 + 4 + (packed?.readUInt32BE(4) ?? 0);
      const next = first + 4 + (packed?.readUInt32BE(first) ?? 0);
      const fewer = Buffer.alloc(4);
      fewer.writeUInt32BE(count - 1);
      await redis.hset(key, 'packed', Buffer.concat([fewer, packed?.subarray(next) ?? fewer]));
      expect(await store.load(run).catch((error: unknown) => error)).toEqual(corrupt({ key }));
    }
  });

  test('stays missed when the snapshot is saved again', async () => {
    const { id, ownership } = await held(store);
    await committed(store, ownership, { snapshot: delta(some) });
    await redis.hdel(keys.of(id).snapshot(id), 'state:b');
    await committed(store, ownership, { snapshot: delta(['state:a', 'new']) });
    expect(await store.load(id).catch((error: unknown) => error)).toEqual(corrupt());
  });

  test('is missed in a checkpoint as well', async () => {
    const { id, ownership } = await held(store);
    await committed(store, ownership, { snapshot: delta(some, { checkpoints: keep }) });
    await committed(store, ownership, {
      snapshot: delta(['state:a', 'other'], { remove: ['step:c'] }),
    });
    expect((await store.recall(id, '1-0'))?.fields.size).toBe(3);
    await redis.hdel(keys.of(id).preserved(id), '1:step:c');
    expect(await store.recall(id, '1-0').catch((error: unknown) => error)).toEqual(corrupt());
  });

  test('is not missed where an older pawl has counted nothing, until it is saved anew', async () => {
    const { id, ownership } = await held(store);
    await committed(store, ownership, { snapshot: delta([...some, 'x'], { checkpoints: keep }) });
    const key = keys.of(id).snapshot(id);
    await redis.hdel(key, 'count', 'x');
    expect((await store.load(id))?.snapshot?.fields.size).toBe(3);
    await committed(store, ownership, { snapshot: delta(['y'], { remove: ['state:a'] }) });
    expect(await redis.hget(key, 'count')).toBe('3');
    expect((await store.load(id))?.snapshot?.fields.size).toBe(3);
    await redis.hdel(key, 'y');
    expect(await store.load(id).catch((error: unknown) => error)).toEqual(corrupt({ key }));
  });
});

const counting = defineWorkflow({
  name: 'counting',
  state: z.object({ n: z.number().default(0) }),
  events: { more: z.object({}) },
  reduce: { more: ({ n }) => ({ n: n + 1 }) },
  async run(ctx) {
    for (let i = 0; i < 5; i++) await ctx.emit('more', {});
  },
});

const counted = { workflow: 'counting', input: encodeRecord({}), data: encodeRecord({}) };

/** A log of events that fold to nothing but their number, of a run that is over or has not ended. */
async function logged(
  isOver: boolean,
): Promise<{ readonly run: string; readonly owner: Ownership }> {
  const { id, ownership } = await held(store, { create: counted });
  const events = Array.from({ length: 8 }, () => event('more', encodeRecord({})));
  const release = { status: 'failed', error: bytes('error'), keepMs: 60_000 } as const;
  await committed(store, ownership, { events, ...(isOver ? { release } : {}) });
  return { run: id, owner: ownership };
}

async function remove(run: string, ...seqs: readonly number[]): Promise<void> {
  const key = keys.of(run).events(run);
  for (const seq of seqs) {
    const [entry] = await redis.xrange(key, `${seq}`, `${seq}`);
    await redis.xdel(key, entry?.[0] ?? '');
  }
}

describe('an event that is gone from a log', () => {
  /** Seqs of what is read until it ends, or fails. */
  async function read(run: string, after = 0): Promise<{ seqs: number[]; error: unknown }> {
    await using pawl = await Pawl.open({ redis: inject('redisUrl'), prefix });
    const seqs: number[] = [];
    const collect = async (): Promise<void> => {
      for await (const { seq } of eventsOf(pawl, run, after)) seqs.push(seq);
    };
    const error = await collect().catch((thrown: unknown) => thrown);
    return { seqs, error };
  }

  async function* eventsOf(pawl: Pawl, run: string, after: number): AsyncGenerator<RunEvent> {
    yield* pawl.run(run).events({ after });
  }

  test.each([
    { what: 'in the middle', gone: [4], after: 0, read: [1, 2, 3], seq: 4 },
    { what: 'of several', gone: [4, 5, 8], after: 0, read: [1, 2, 3], seq: 4 },
    { what: 'at the beginning', gone: [1], after: 0, read: [], seq: 1 },
    { what: 'right behind where one begins', gone: [6], after: 5, read: [], seq: 6 },
    { what: 'at the end', gone: [10], after: 0, read: [1, 2, 3, 4, 5, 6, 7, 8, 9], seq: 10 },
  ])('$what is named by whoever reads', async ({ gone, after, read: before, seq }) => {
    const { run } = await logged(true);
    expect((await read(run, after)).error).toBe(undefined);
    await remove(run, ...gone);
    const found = await read(run, after);
    expect(found.seqs).toEqual(before);
    expect(found.error).toEqual(corrupt({ seq, key: expect.stringContaining(run) as string }));
  });

  test('is named while the run is at work', async () => {
    const { run, owner } = await logged(false);
    await remove(run, 5);
    const reading = read(run);
    await committed(store, owner, { expectedSeq: 10, events: [event('more', encodeRecord({}))] });
    expect(await reading).toEqual({ seqs: [1, 2, 3, 4], error: corrupt({ seq: 5 }) });
  });

  test('is named by an export, by a state and by a resume', async () => {
    for (const seq of [4, 10]) {
      const { run } = await logged(true);
      await remove(run, seq);
      await using pawl = await Pawl.open({ redis: inject('redisUrl'), prefix });
      const lines = async (): Promise<void> => {
        for await (const line of pawl.export(run)) expect(line).toBeTruthy();
      };
      await expect(lines()).rejects.toEqual(corrupt({ seq }));
      await expect(pawl.run(counting, run).state()).rejects.toEqual(corrupt());
      await expect(pawl.run(counting, run).state({ seq: 10 })).rejects.toEqual(corrupt());
    }
  });

  test('by compaction is not missed', async () => {
    const { id: run, ownership } = await held(store, { create: counted });
    const events = Array.from({ length: 8 }, () => event('more', encodeRecord({})));
    await committed(store, ownership, { events, snapshot: delta(some) });
    await using pawl = await Pawl.open({ redis: inject('redisUrl'), prefix });
    const seqs: number[] = [];
    for await (const { seq } of pawl.run(run).events()) {
      if (seq === 10) break;
      if (seq === 2) await store.archive.compact({ run, limit: 6 });
      seqs.push(seq);
    }
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect((await store.record(run))?.firstSeq).toBe(7);
    const again = pawl.run(run).events();
    expect((await again.next()).value).toMatchObject({ seq: 7 });
    await again.return();
    await remove(run, 8);
    const late = pawl.run(run).events();
    expect((await late.next()).value).toMatchObject({ seq: 7 });
    await committed(store, ownership, {
      expectedSeq: 10,
      events: [event('more', encodeRecord({}))],
    });
    await expect(late.next()).rejects.toEqual(corrupt({ seq: 8 }));
    expect(await claimed(store, await saved(delta(some)))).toMatchObject({ outcome: 'claimed' });
  });
});
