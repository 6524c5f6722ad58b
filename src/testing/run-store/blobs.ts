import { randomBytes } from 'node:crypto';
import { type BlobNote, SweptError } from '../../core/blobs.ts';
import type { RunStore } from '../../core/store.ts';
import {
  bytes,
  claimed,
  commit,
  committed,
  created,
  creation,
  event,
  farMs,
  held,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

/** As pawl makes them: never one twice. */
function newAddress(): string {
  return `${randomBytes(32).toString('hex')}.${randomBytes(8).toString('hex')}.p`;
}

async function noted(store: RunStore, run: string): Promise<string> {
  const address = newAddress();
  await store.blobs.note(run, [address]);
  return address;
}

/** Notes of this run, among whatever else is garbage there; what is pending is garbage from now on. */
async function garbageOf(store: RunStore, run: string, pendingMs = 0): Promise<BlobNote[]> {
  const all = await store.blobs.collect({ pendingMs, garbageMs: 0, limit: 10_000 });
  return all.filter((one) => one.run === run);
}

/** Whether a write was refused because of its blobs. */
function isSwept(write: Promise<unknown>): Promise<boolean> {
  return write.then(
    () => false,
    (reason: unknown) => reason instanceof SweptError,
  );
}

function taken(test: RunStoreTest): void {
  test('a blob that a write refers to is the run’s, with each write that may refer to one', async ({
    store,
    expect,
  }) => {
    const run = newId('run');
    const [first, second, third, fourth] = [
      await noted(store, run),
      await noted(store, run),
      await noted(store, run),
      await noted(store, run),
    ];
    await store.create({ ...creation({ run }), blobs: [first] });
    expect(await store.blobs.of(run)).toEqual([first]);
    await store.pause(run, bytes('why'));
    await store.resume(run, bytes('go'), [second]);
    await store.post({
      run,
      id: newId('message'),
      kind: 'signal',
      name: 's',
      data: bytes('x'),
      blobs: [third],
    });
    const { ownership, record } = await claimed(store, run);
    await committed(store, ownership, {
      expectedSeq: record.seq,
      events: [event('large')],
      blobs: [fourth],
    });
    expect((await store.blobs.of(run)).toSorted()).toEqual(
      [first, second, third, fourth].toSorted(),
    );
    expect(await garbageOf(store, run)).toEqual([]);
  });

  test('a commit that comes again is answered as the first, though its blobs are taken', async ({
    store,
    expect,
  }) => {
    const { id, ownership } = await held(store);
    const blobs = [await noted(store, id)];
    const params = commit(ownership, { events: [event('large')], blobs });
    expect(await store.commit(params)).toMatchObject({ outcome: 'committed', seq: 3 });
    expect(await store.commit(params)).toMatchObject({ outcome: 'committed', seq: 3 });
    expect(await store.blobs.of(id)).toEqual(blobs);
  });

  test('a write that is refused takes no blob', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const address = await noted(store, id);
    const params = { events: [event('large')], blobs: [address] };
    const stale = { ...ownership, fence: ownership.fence - 1 };
    expect(await store.commit(commit(stale, params))).toMatchObject({ outcome: 'fenced' });
    expect(await store.commit(commit(ownership, { ...params, expectedSeq: 9 }))).toMatchObject({
      outcome: 'conflict',
    });
    expect(await store.create({ ...creation({ run: id }), blobs: [address] })).toMatchObject({
      outcome: 'exists',
    });
    expect(await store.blobs.of(id)).toEqual([]);
    await committed(store, ownership, { ...params, expectedSeq: 2 });
    expect(await store.blobs.of(id)).toEqual([address]);
  });
}

function swept(test: RunStoreTest): void {
  test('a write that refers to a blob that is garbage is refused, and nothing is written', async ({
    store,
    expect,
  }) => {
    const { id, ownership } = await held(store);
    const address = await noted(store, id);
    expect(await garbageOf(store, id, farMs)).toEqual([]);
    expect(await garbageOf(store, id)).toEqual([{ run: id, address }]);
    const blobs = [await noted(store, id), address];
    const events = [event('large')];
    const refused = [
      () => store.commit(commit(ownership, { events, blobs })),
      () => store.post({ run: id, id: 'm', kind: 'signal', name: 's', data: bytes('x'), blobs }),
      () => store.create({ ...creation({ run: newId('run') }), blobs }),
    ];
    for (const write of refused) expect(await isSwept(write())).toBe(true);
    expect(await store.blobs.of(id)).toEqual([]);
    expect(await store.record(id)).toMatchObject({ seq: 2, status: 'running' });
    expect(await store.readInbox(id)).toMatchObject({ messages: [] });
    // What was put for another run is not to be taken either.
    const other = await created(store);
    const foreign = [await noted(store, other)];
    const write = store.commit(commit(ownership, { events, blobs: foreign }));
    expect(await isSwept(write)).toBe(true);
    await store.pause(other, bytes('why'));
    expect(await isSwept(store.resume(other, bytes('go'), blobs))).toBe(true);
    expect(await store.record(other)).toMatchObject({ paused: true });
  });

  test('garbage is told until it is gone, and what was dropped is garbage', async ({
    store,
    expect,
  }) => {
    const { id, ownership } = await held(store);
    const blobs = [await noted(store, id), await noted(store, id)];
    await committed(store, ownership, { expectedSeq: 2, events: [event('large')], blobs });
    const [dropped = '', kept = ''] = blobs;
    await store.blobs.drop(id, [dropped, newAddress()]);
    await store.blobs.drop(id, [dropped]);
    expect(await store.blobs.of(id)).toEqual([kept]);
    const garbage = [{ run: id, address: dropped }];
    expect(await garbageOf(store, id)).toEqual(garbage);
    expect(await garbageOf(store, id)).toEqual(garbage);
    await store.blobs.collected(garbage);
    expect(await garbageOf(store, id)).toEqual([]);
    const late = await store.blobs.collect({ pendingMs: 0, garbageMs: farMs, limit: 10_000 });
    expect(late.filter(({ run }) => run === id)).toEqual([]);
  });

  test('the blobs of a run that is deleted are garbage, and another run of its id has none', async ({
    store,
    expect,
  }) => {
    const run = newId('run');
    const address = await noted(store, run);
    await store.create({ ...creation({ run }), blobs: [address] });
    const other = await created(store);
    await store.delete(run);
    expect(await store.blobs.of(run)).toEqual([]);
    await store.create(creation({ run }));
    expect(await store.blobs.of(run)).toEqual([]);
    expect(await garbageOf(store, run)).toEqual([{ run, address }]);
    expect(await store.blobs.of(other)).toEqual([]);
  });
}

export const blobsTheme: RunStoreTheme = { name: 'blobs', parts: [taken, swept] };
