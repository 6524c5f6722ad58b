import type { Release } from '../../core/store.ts';
import { message } from './messages.ts';
import {
  bytes,
  claimed,
  claiming,
  commit,
  committed,
  created,
  creation,
  dueOf,
  event,
  everything,
  everyWrite,
  farMs,
  held,
  hex,
  interruption,
  loaded,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
  parking,
} from './opened.ts';

function removed(test: RunStoreTest): void {
  test('a deleted run is gone from everywhere', async ({ store, expect }) => {
    const workflow = newId('w').slice(0, 30);
    const tag = newId('v');
    const run = await created(store, { workflow, tags: { k: tag }, resendMs: 0 });
    expect(await store.delete(run)).toEqual({ outcome: 'deleted' });
    expect(await store.record(run)).toBe(undefined);
    expect(await store.load(run)).toBe(undefined);
    expect(await store.events({ run, after: 0, limit: 10 })).toEqual([]);
    expect(await dueOf(store, run)).toBe(undefined);
    expect(await store.claim(claiming(run))).toEqual({ outcome: 'missing' });
    for (const filter of [
      { workflow },
      { tag: `k=${tag}` },
      { workflow, status: 'queued' },
    ] as const) {
      expect((await store.lists.runs({ ...filter, limit: 10 })).runs).toEqual([]);
    }
  });

  test('a deleted run leaves no message, and its ids are free again', async (opened) => {
    const { store, traces, expect } = opened;
    const run = await created(store);
    const sent = message(run);
    await store.post(sent);
    await store.pause(run, bytes('why'));
    expect(await store.delete(run)).toEqual({ outcome: 'deleted' });
    expect(await store.readInbox(run)).toEqual({ messages: [], paused: false });
    expect(await store.post(sent)).toEqual({ outcome: 'missing' });
    expect(await traces(run)).toEqual([]);
    await created(store, { run });
    expect(await store.readInbox(run)).toEqual({ messages: [], paused: false });
    expect((await store.post(sent)).outcome).toBe('posted');
    expect((await claimed(store, run)).messages.length).toBe(1);
  });

  test('a run can be deleted whatever its status is, as long as nobody holds it', async (opened) => {
    const { store, expect } = opened;
    const releases: readonly Release[] = [
      { status: 'completed', output: bytes('output'), keepMs: farMs },
      { status: 'failed', error: bytes('error'), keepMs: farMs },
      { status: 'cancelled', error: bytes('error'), keepMs: farMs },
      { status: 'quarantined', error: bytes('error') },
      { status: 'queued', resendMs: farMs },
      parking(),
      parking({ wakeMs: 0 }),
    ];
    for (const release of releases) {
      const { id, ownership } = await held(store);
      await committed(store, ownership, { release });
      expect(await store.delete(id), release.status).toEqual({ outcome: 'deleted' });
    }
    const lost = await held(store);
    await store.fleet.interrupt(interruption(lost.worker));
    expect(await store.delete(lost.id)).toEqual({ outcome: 'deleted' });
  });

  test('a run that a worker holds is not deleted', async ({ store, expect }) => {
    const { id, worker } = await held(store);
    const before = await everything(store, id);
    expect(await store.delete(id)).toEqual({ outcome: 'active', worker });
    expect(await everything(store, id)).toEqual(before);
  });

  test('what is not there cannot be deleted', async ({ store, expect }) => {
    const run = await created(store);
    await store.delete(run);
    expect(await store.delete(run)).toEqual({ outcome: 'missing' });
    expect(await store.delete(newId('run'))).toEqual({ outcome: 'missing' });
  });
}

function asSeen(test: RunStoreTest): void {
  test('a run that was seen so is deleted only while it is still so', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const release = { status: 'failed', error: bytes('error'), keepMs: 0 } as const;
    await committed(store, ownership, { release });
    const { record: ended } = await loaded(store, id);
    // What was seen is long ago: a person has let the run go on.
    await store.resume(id, bytes('again'));
    const isKept = async (): Promise<void> => {
      const before = await everything(store, id);
      expect(await store.delete(id, bytes('why'), ended)).toEqual({ outcome: 'changed' });
      expect(await everything(store, id)).toEqual(before);
    };
    await isKept();
    const { ownership: next, record, worker } = { ...(await claimed(store, id)), worker: id };
    const active = await store.delete(id, undefined, ended);
    expect(active).toMatchObject({ outcome: 'active', worker: record.worker });
    expect(worker).toBe(id);
    await committed(store, next, { expectedSeq: record.seq, release });
    await isKept();
    const { record: now } = await loaded(store, id);
    const older = { ...now, seq: now.seq - 1 };
    expect(await store.delete(id, undefined, older)).toEqual({ outcome: 'changed' });
    // As the sweeper sees it, who is not told the seq.
    const { status, fence } = now;
    const other = { status, fence: fence - 1 };
    expect(await store.delete(id, undefined, other)).toEqual({ outcome: 'changed' });
    expect(await store.delete(id, undefined, { status, fence })).toEqual({ outcome: 'deleted' });
    expect(await store.delete(id, undefined, now)).toEqual({ outcome: 'missing' });
  });
}

function nothingLeft(test: RunStoreTest): void {
  test('nothing is left of a deleted run, however much has happened to it', async (opened) => {
    const { store, traces, expect } = opened;
    const run = await created(store, { tags: { a: '1', b: 'x=y' }, workflow: 'busy' });
    const saved = { schema: 1, set: new Map([['state:a', bytes('1')]]), remove: [] };
    const snapshot = { ...saved, checkpoints: { marks: [{ label: 'kept' }], bytes: 1 } };
    const first = await claimed(store, run);
    await committed(store, first.ownership, { events: [event('one'), event('two')], snapshot });
    await store.fleet.interrupt(interruption(first.record.worker ?? ''));
    const second = await claimed(store, run);
    const { seq } = second.record;
    await committed(store, second.ownership, { expectedSeq: seq, release: parking({ wakeMs: 0 }) });
    const third = await claimed(store, run);
    const release = { status: 'completed', output: bytes('output'), keepMs: 0 } as const;
    await committed(store, third.ownership, { expectedSeq: seq + 1, release });
    expect((await traces(run)).length).toBeGreaterThan(0);
    await store.delete(run);
    expect(await traces(run)).toEqual([]);
  });

  test('nothing is left of a deleted run that was quarantined', async ({
    store,
    traces,
    expect,
  }) => {
    const { id, worker } = await held(store, { create: { tags: { a: '1' } } });
    await store.fleet.interrupt(interruption(worker, { quarantineAfter: 1, evidence: id }));
    await store.delete(id);
    expect(await traces(id)).toEqual([]);
  });

  test('a run that has moved on since it was looked at is not deleted', async (opened) => {
    const { store, expect } = opened;
    const release = { status: 'failed', error: bytes('no'), keepMs: 0 } as const;
    const { id, ownership } = await held(store);
    await committed(store, ownership, { release });
    const { status, fence } = (await loaded(store, id)).record;
    await store.resume(id, bytes('again'));
    const seen = { status, fence };
    expect(await store.delete(id, undefined, seen)).toEqual({ outcome: 'changed' });
    // It has failed again, and this is another end.
    const next = await claimed(store, id);
    await committed(store, next.ownership, { expectedSeq: next.record.seq, release });
    expect(await store.delete(id, undefined, seen)).toEqual({ outcome: 'changed' });
    const { record } = await loaded(store, id);
    const now = { status: record.status, fence: record.fence };
    expect(await store.delete(id, undefined, now)).toEqual({ outcome: 'deleted' });
  });

  test('other runs are left as they are', async ({ store, expect }) => {
    const run = newId('run');
    const others = [`${run}.`, `${run}-a`, run.slice(0, -1)];
    for (const other of others) await created(store, { run: other, tags: { a: '1' } });
    await created(store, { run, tags: { a: '1' } });
    const before = await Promise.all(others.map((other) => everything(store, other)));
    await store.delete(run);
    expect(await Promise.all(others.map((other) => everything(store, other)))).toEqual(before);
  });
}

function reused(test: RunStoreTest): void {
  test('the id of a deleted run begins anew, at seq 1', async ({ store, expect }) => {
    const { id: run, ownership } = await held(store, { create: { tags: { old: '1' } } });
    const snapshot = { schema: 1, set: new Map([['state:a', bytes('1')]]), remove: [] };
    const release = { status: 'completed', output: bytes('old'), keepMs: 0 } as const;
    await committed(store, ownership, { events: [event('old')], snapshot, release });
    await store.delete(run);
    const again = await store.create(creation({ run, workflow: 'new', input: bytes('new') }));
    expect(again.outcome).toBe('created');
    expect(again.record).toMatchObject({
      workflow: 'new',
      status: 'queued',
      fence: 0,
      seq: 1,
      version: 0,
      snapshotSeq: 0,
      codeVersion: 0,
      output: undefined,
      tags: {},
      takeovers: 0,
      bytes: creation().data.length,
    });
    const found = await loaded(store, run);
    expect(found.snapshot).toBe(undefined);
    expect(found.events.map(({ seq, type }) => [seq, type])).toEqual([[1, 'run.created']]);
    expect((await claimed(store, run)).record.seq).toBe(2);
  });

  test('the token that made a deleted run makes a new one', async ({ store, expect }) => {
    const params = creation({ input: bytes('first') });
    await store.create(params);
    await store.delete(params.run);
    const again = await store.create({ ...params, input: bytes('second') });
    expect(again.outcome).toBe('created');
    expect(hex(again.record.input)).toBe(hex(bytes('second')));
  });

  test('a run whose worker was lost is as new when its id is used again', async (opened) => {
    const { store, expect } = opened;
    const { id: run, worker } = await held(store);
    await store.fleet.interrupt(interruption(worker));
    await store.delete(run);
    await created(store, { run });
    const next = await claimed(store, run);
    expect(next.takeover).toBe(undefined);
    expect(next.record).toMatchObject({ losses: 0, takeovers: 0 });
    expect(await store.fleet.interrupt(interruption(worker))).toEqual([]);
  });
}

function zombies(test: RunStoreTest): void {
  test('a worker that lost a run writes to nothing once it is deleted', async (opened) => {
    const { store, traces, expect } = opened;
    const { id, ownership, worker } = await held(store);
    const known = commit(ownership, { events: [event('one')] });
    await store.commit(known);
    await store.fleet.interrupt(interruption(worker));
    await store.delete(id);
    for (const [what, write] of everyWrite()) {
      const outcome = await store.commit(commit(ownership, { ...write, expectedSeq: 3 }));
      expect(outcome, what).toEqual({ outcome: 'missing' });
    }
    expect(await store.commit(known)).toEqual({ outcome: 'missing' });
    expect(await traces(id)).toEqual([]);
  });

  test('a worker that lost a run does not write to the next run of its id', async (opened) => {
    const { store, advance, expect } = opened;
    const { id, ownership, worker } = await held(store);
    const known = commit(ownership, { events: [event('one')] });
    await store.commit(known);
    await store.fleet.interrupt(interruption(worker));
    await store.delete(id);
    // On a clock that stands still both runs could be claimed at one fence.
    await advance(1);
    await created(store, { run: id });
    const refused = async (seq: number): Promise<void> => {
      const before = await everything(store, id);
      const { fence } = (await loaded(store, id)).record;
      for (const expectedSeq of [1, 2, 3, seq]) {
        for (const [what, write] of everyWrite()) {
          const outcome = await store.commit(commit(ownership, { ...write, expectedSeq }));
          expect(outcome, what).toEqual({ outcome: 'fenced', fence, applied: false });
        }
      }
      expect(await store.commit(known)).toEqual({ outcome: 'fenced', fence, applied: false });
      expect(await everything(store, id)).toEqual(before);
    };
    await refused(1);
    await claimed(store, id);
    await refused(2);
  });
}

export const deleteTheme: RunStoreTheme = {
  name: 'delete',
  parts: [removed, asSeen, nothingLeft, reused, zombies],
};
