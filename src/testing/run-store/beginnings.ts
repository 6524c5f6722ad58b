/** How a run may begin, and what it owes at its end: delay, priority, deadline, fork, parent; and its progress. */
import { eventually } from '../eventually.ts';
import {
  bytes,
  claimed,
  claiming,
  committed,
  created,
  dueOf,
  event,
  farMs,
  held,
  hex,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
  storeTime,
} from './opened.ts';

function beginnings(test: RunStoreTest): void {
  test('a delayed run waits, is not claimed before its time, and is due then', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store, { delayMs: 400 });
    const record = await store.record(run);
    expect(record?.status).toBe('waiting');
    expect(record?.wakeAt).toBe((record?.createdAt ?? 0) + 400);
    expect((await store.claim(claiming(run))).outcome).toBe('notClaimable');
    const due = await eventually(opened, 'the run is due', () => dueOf(store, run));
    expect(due.status).toBe('waiting');
    expect(await storeTime(store)).toBeGreaterThanOrEqual(record?.wakeAt ?? Infinity);
    expect((await store.claim(claiming(run))).outcome).toBe('claimed');
  });

  test('priority and deadline are kept, and the priority goes with every wake-up', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store, { priority: 7, deadlineMs: 5_000, resendMs: 0 });
    const record = await store.record(run);
    expect(record?.priority).toBe(7);
    expect(record?.deadlineAt).toBe((record?.createdAt ?? 0) + 5_000);
    const due = await eventually(opened, 'the run is due', () => dueOf(store, run));
    expect(due.priority).toBe(7);
  });

  test('a fork begins with a snapshot behind its first event', async ({ store, expect }) => {
    const set = new Map([
      ['state:n', bytes('one')],
      ['step:a', bytes('two')],
    ]);
    const run = await created(store, { snapshot: { schema: 3, set, remove: [] } });
    const taken = await claimed(store, run);
    expect(taken.snapshot).toMatchObject({ version: 1, seq: 1, schema: 3 });
    expect(hex(taken.snapshot?.fields.get('state:n'))).toBe(hex(bytes('one')));
    expect(taken.snapshot?.fields.size).toBe(2);
    expect(taken.events.map(({ seq, type }) => [seq, type])).toEqual([[2, 'run.claimed']]);
    const { ownership } = taken;
    await committed(store, ownership, {
      expectedSeq: 2,
      events: [event('more')],
      snapshot: { schema: 3, set: new Map(), remove: ['step:a'] },
    });
    expect((await store.load(run))?.snapshot).toMatchObject({ version: 2, seq: 3 });
    expect((await store.load(run))?.snapshot?.fields.size).toBe(1);
  });
}

function parents(test: RunStoreTest): void {
  test('an ended child is due until its parent was told, and only then kept', async (opened) => {
    const { store, expect } = opened;
    const parent = newId('run');
    const { ownership, run } = await heldChild(store, parent);
    expect((await store.record(run))?.parent).toBe(parent);
    const output = bytes('output');
    const release = { status: 'completed', output, keepMs: farMs } as const;
    await committed(store, ownership, { events: [event('end')], release });
    const due = await eventually(opened, 'the child is due', () =>
      dueOf(store, run, { resendMs: 20 }),
    );
    expect(due).toMatchObject({ status: 'completed', notifyPending: true });
    const again = await eventually(opened, 'it is due again', () =>
      dueOf(store, run, { resendMs: 20 }),
    );
    expect(again.notifyPending).toBe(true);
    await store.parentNotified(run, due);
    await store.parentNotified(run, due);
    await opened.advance(60);
    expect(await dueOf(store, run)).toBe(undefined);
  });

  test('a child that ends before it began owes the news as well', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store, { parent: newId('run') });
    const params = { run, id: newId('request'), data: bytes('why'), error: bytes('error') };
    expect((await store.cancel({ ...params, keepMs: farMs })).outcome).toBe('cancelled');
    const due = await eventually(opened, 'the child is due', () => dueOf(store, run));
    expect(due).toMatchObject({ status: 'cancelled', notifyPending: true });
  });

  test('a run without a parent owes nothing', async ({ store, expect }) => {
    const { ownership, run } = await heldChild(store, undefined);
    const release = { status: 'completed', output: bytes('o'), keepMs: farMs } as const;
    await committed(store, ownership, { events: [event('end')], release });
    await store.parentNotified(run, ownership);
    expect(await dueOf(store, run)).toBe(undefined);
  });
}

async function heldChild(
  store: Parameters<typeof created>[0],
  parent: string | undefined,
): Promise<{ run: string; ownership: Awaited<ReturnType<typeof claimed>>['ownership'] }> {
  const run = await created(store, parent === undefined ? {} : { parent });
  const { ownership } = await claimed(store, run);
  return { run, ownership };
}

function progress(test: RunStoreTest): void {
  test('the owner’s progress is kept, the newest only, and it is no event', async (opened) => {
    const { store, expect } = opened;
    const { ownership } = await held(store);
    const before = await store.record(ownership.run);
    expect(before?.progress).toBe(undefined);
    await store.progress(ownership, { fraction: 0.25, message: 'a quarter' });
    await store.progress(ownership, { fraction: 0.5, message: 'half' });
    const after = await store.record(ownership.run);
    expect(after?.progress).toEqual({ fraction: 0.5, message: 'half' });
    expect(after?.seq).toBe(before?.seq);
  });

  test('nobody else is listened to', async ({ store, expect }) => {
    const { ownership } = await held(store);
    const { fence } = ownership;
    await store.progress({ ...ownership, fence: fence - 1 }, { fraction: 1, message: 'stale' });
    await store.progress(
      { ...ownership, owner: newId('token') },
      { fraction: 1, message: 'other' },
    );
    expect((await store.record(ownership.run))?.progress).toBe(undefined);
  });
}

export const beginningsTheme: RunStoreTheme = {
  name: 'beginnings',
  parts: [beginnings, parents, progress],
};
