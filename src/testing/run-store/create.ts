import { eventually } from '../eventually.ts';
import { firstClaims } from './first-claims.ts';
import {
  bytes,
  created,
  creation,
  dueOf,
  everyByte,
  everything,
  farMs,
  hex,
  loaded,
  newId,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
  storeTime,
} from './opened.ts';

function newRuns(test: RunStoreTest): void {
  test('a new run is queued, belongs to nobody and holds what it was made of', async (opened) => {
    const { store, expect } = opened;
    const params = creation({ workflow: 'order', tags: { customer: 'c-1', region: 'eu' } });
    const made = await store.create(params);
    expect(made.outcome).toBe('created');
    expect(plain(made.record)).toEqual(
      plain({
        id: params.run,
        workflow: 'order',
        codeVersion: 0,
        status: 'queued',
        fence: 0,
        worker: undefined,
        seq: 1,
        firstSeq: 1,
        version: 0,
        snapshotSeq: 0,
        input: params.input,
        output: undefined,
        error: undefined,
        tags: { customer: 'c-1', region: 'eu' },
        takeovers: 0,
        losses: 0,
        bytes: params.data.length,
        wakeAt: undefined,
        waits: [],
        birth: params.token,
        wroteVersion: 0,
        needsVersion: undefined,
        paused: false,
        progress: undefined,
        deadlineAt: undefined,
        priority: 0,
        chunks: 0,
        parent: undefined,
        onEnd: false,
        attachedTo: undefined,
        createdAt: made.record.createdAt,
        changedAt: made.record.createdAt,
      }),
    );
    expect(made.record.createdAt).toBeGreaterThan(0);
  });

  test('a new run can be read at once, as create returned it', async ({ store, expect }) => {
    const kinds = [
      { tags: { a: 'b' } },
      { parent: newId('p'), attachedTo: 'birth', priority: 7, codeVersion: 3, onEnd: true },
      { key: 'k', deadlineMs: farMs, tags: {} },
      { delayMs: farMs },
      { unmanaged: true },
      { snapshot: { schema: 2, set: new Map([['s:x', bytes('1')]]), remove: [] } },
    ];
    for (const kind of kinds) {
      const { record } = await store.create(creation(kind));
      expect(plain(await store.record(record.id))).toEqual(plain(record));
      expect(plain((await loaded(store, record.id)).record)).toEqual(plain(record));
    }
  });

  test('the first event is run.created with the given bytes, at fence 0', async (opened) => {
    const { store, expect } = opened;
    const { record } = await store.create(creation({ data: everyByte }));
    const events = await store.events({ run: record.id, after: 0, limit: 10 });
    expect(plain(events)).toEqual([
      { seq: 1, type: 'run.created', fence: 0, at: record.createdAt, data: hex(everyByte) },
    ]);
    expect(record.bytes).toBe(everyByte.length);
  });

  test('input is kept byte by byte, also when it is empty', async ({ store, expect }) => {
    for (const input of [everyByte, new Uint8Array()]) {
      const { record } = await store.create(creation({ input }));
      expect(hex(record.input)).toBe(hex(input));
      expect(hex((await store.record(record.id))?.input)).toBe(hex(input));
    }
  });
}

function kept(test: RunStoreTest): void {
  test('a store keeps its own copy: bytes changed after the call change nothing', async (opened) => {
    const { store, expect } = opened;
    const input = bytes('before');
    const { record } = await store.create(creation({ input }));
    input.fill(0);
    expect(hex((await store.record(record.id))?.input)).toBe(hex(bytes('before')));
  });

  test('tags come back as they were given', async ({ store, expect }) => {
    const tags = { 'a.b-c_d': 'x@y.z:1/2+3~4', b: '=', c: 'k=v' };
    const { record } = await store.create(creation({ tags }));
    expect(record.tags).toEqual(tags);
    expect((await store.record(record.id))?.tags).toEqual(tags);
  });
}

function takenIds(test: RunStoreTest): void {
  test('an id that is taken is answered with its run, and nothing is written', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store, { workflow: 'first', input: bytes('first') });
    const before = await everything(store, run);
    const again = await store.create(creation({ run, workflow: 'second', tags: { a: 'b' } }));
    expect(again.outcome).toBe('exists');
    expect(again.record.workflow).toBe('first');
    expect(hex(again.record.input)).toBe(hex(bytes('first')));
    expect(await everything(store, run)).toEqual(before);
    const { runs } = await store.lists.runs({ workflow: 'second', limit: 500 });
    expect(runs.map(({ id }) => id)).not.toContain(run);
  });

  test('ids may differ in one letter, in case or in length only', async ({ store, expect }) => {
    const id = newId('run');
    const ids = [id, `${id}.`, `${id}..`, `${id}~`, `${id}-A`, `${id}-a`];
    for (const run of ids) await created(store, { run, input: bytes(run) });
    for (const run of ids) expect(hex((await store.record(run))?.input)).toBe(hex(bytes(run)));
  });
}

function dueTimes(test: RunStoreTest): void {
  test('a run that nobody claims is due after resendMs, and not before', async (opened) => {
    const { store, expect } = opened;
    const resendMs = 60;
    const { record } = await store.create(creation({ resendMs, workflow: 'late' }));
    const { id: run } = record;
    const due = await eventually(opened, 'the run is due', () => dueOf(store, run));
    expect(due).toEqual({
      run,
      workflow: 'late',
      fence: 0,
      losses: 0,
      priority: 0,
      status: 'queued',
      notifyPending: false,
      cancelPending: false,
      asleep: false,
    });
    expect(await storeTime(store)).toBeGreaterThanOrEqual(record.createdAt + resendMs);
  });

  test('a run may be due at once', async ({ store, expect }) => {
    const run = await created(store, { resendMs: 0 });
    expect((await dueOf(store, run, { resendMs: farMs }))?.status).toBe('queued');
  });
}

export const createTheme: RunStoreTheme = {
  name: 'create',
  parts: [newRuns, kept, takenIds, dueTimes, firstClaims],
};
