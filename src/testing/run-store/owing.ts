/**
 * What an ended run still owes: the news to its parent, the cancel to its children. It is due, and kept, until that is
 * done.
 */
import type { Release, RunStore } from '../../core/store.ts';
import { eventually } from '../eventually.ts';
import { cancellation, quarantined } from './messages.ts';
import {
  bytes,
  claimed,
  committed,
  created,
  dueOf,
  farMs,
  held,
  loaded,
  newId,
  type RunStoreCase,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

function failed(params: { readonly status?: 'failed' | 'cancelled'; keepMs?: number } = {}) {
  const { status = 'failed', keepMs = farMs } = params;
  return {
    status,
    error: bytes('error'),
    keepMs,
    cancelsChildren: true,
  } as const satisfies Release;
}

async function owing(store: RunStore, release: Release, parent?: string) {
  const { id, ownership } = await held(store, { create: parent === undefined ? {} : { parent } });
  await committed(store, ownership, { release });
  return { id, fence: ownership.fence };
}

/** Asks until the run is due, which it is again and again. */
function due(opened: RunStoreCase, run: string) {
  return eventually(opened, 'the run is due', () => dueOf(opened.store, run, { resendMs: 10 }));
}

function children(test: RunStoreTest): void {
  test('a run that owes its children a cancel is due until that is paid', async (opened) => {
    const { store, expect } = opened;
    for (const status of ['failed', 'cancelled'] as const) {
      const { id, fence } = await owing(store, failed({ status }));
      for (let i = 0; i < 2; i++) {
        expect(await due(opened, id)).toMatchObject({
          status,
          cancelPending: true,
          notifyPending: false,
        });
      }
      await store.childrenCancelled(id, { fence });
      await store.childrenCancelled(id, { fence });
      await opened.advance(30);
      expect(await dueOf(store, id)).toBe(undefined);
      expect((await store.record(id))?.status).toBe(status);
    }
  });

  test('it is kept for keepMs from its end on', async (opened) => {
    const { store, expect } = opened;
    const { id, fence } = await owing(store, failed({ keepMs: 60 }));
    await store.childrenCancelled(id, { fence });
    expect(await due(opened, id)).toMatchObject({ status: 'failed', cancelPending: false });
  });

  test('a run that owes both is kept only when both are done', async (opened) => {
    const { store, expect } = opened;
    for (const first of ['parentNotified', 'childrenCancelled'] as const) {
      const { id, fence } = await owing(store, failed(), newId('parent'));
      expect(await due(opened, id)).toMatchObject({ cancelPending: true, notifyPending: true });
      await store[first](id, { fence });
      const left = {
        cancelPending: first === 'parentNotified',
        notifyPending: first === 'childrenCancelled',
      };
      expect(await due(opened, id)).toMatchObject(left);
      await store[first === 'parentNotified' ? 'childrenCancelled' : 'parentNotified'](id, {
        fence,
      });
      await opened.advance(30);
      expect(await dueOf(store, id)).toBe(undefined);
    }
  });

  test('an end that does not say so owes nothing', async ({ store, expect }) => {
    const { error } = failed();
    const { id } = await owing(store, { status: 'failed', error, keepMs: farMs });
    expect(await dueOf(store, id)).toBe(undefined);
  });

  test('a quarantined run that is cancelled owes it, one that never began does not', async (opened) => {
    const { store, expect } = opened;
    const aside = await quarantined(store);
    const unbegun = await created(store);
    for (const id of [aside, unbegun]) await store.cancel(cancellation(id));
    expect(await due(opened, aside)).toMatchObject({ status: 'cancelled', cancelPending: true });
    const { fence } = (await loaded(store, aside)).record;
    await store.childrenCancelled(aside, { fence });
    await opened.advance(30);
    for (const id of [aside, unbegun]) expect(await dueOf(store, id)).toBe(undefined);
  });
}

function moving(test: RunStoreTest): void {
  test('what is said of an end before does not pay for the one of now', async (opened) => {
    const { store, expect } = opened;
    const { id, fence } = await owing(store, failed(), newId('parent'));
    await store.resume(id, bytes('again'));
    const again = await claimed(store, id);
    await store.parentNotified(id, { fence });
    await store.childrenCancelled(id, { fence });
    const { seq } = again.record;
    await committed(store, again.ownership, { expectedSeq: seq, release: failed() });
    for (const what of ['parentNotified', 'childrenCancelled'] as const)
      await store[what](id, { fence });
    expect(await due(opened, id)).toMatchObject({ cancelPending: true, notifyPending: true });
  });

  test('a run that goes on owes nothing of before', async ({ store, expect }) => {
    const { id } = await owing(store, failed(), newId('parent'));
    await store.resume(id, bytes('again'));
    expect(await dueOf(store, id)).toMatchObject({
      status: 'queued',
      cancelPending: false,
      notifyPending: false,
    });
    const { ownership, record } = await claimed(store, id);
    const release = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;
    await committed(store, ownership, { expectedSeq: record.seq, release });
    expect(await dueOf(store, id)).toMatchObject({ cancelPending: false, notifyPending: true });
  });

  test('what a run owes stands in the way of its removal', async ({ store, expect }) => {
    const { id, fence } = await owing(store, failed());
    const { record } = await loaded(store, id);
    const removal = { run: id, unchanged: record };
    expect(await store.archive.remove(removal)).toEqual({ outcome: 'notifyPending' });
    expect(await store.delete(id, undefined, record)).toEqual({ outcome: 'changed' });
    await store.childrenCancelled(id, { fence });
    expect(await store.archive.remove(removal)).toEqual({ outcome: 'removed' });
  });
}

/** A hook for the end is a second one who is to be told. */
function hooks(test: RunStoreTest): void {
  const completed = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;

  test('a run with a hook owes the news until the hook has begun, whoever else was told', async (opened) => {
    const { store, expect } = opened;
    for (const parent of [undefined, newId('parent')]) {
      const create = { onEnd: true, ...(parent === undefined ? {} : { parent }) };
      const { id, ownership } = await held(store, { create });
      expect((await store.record(id))?.onEnd).toBe(true);
      await committed(store, ownership, { release: completed });
      expect(await due(opened, id)).toMatchObject({ status: 'completed', notifyPending: true });
      const { fence } = ownership;
      await store.parentNotified(id, { fence });
      expect(await due(opened, id)).toMatchObject({ notifyPending: true });
      const { record } = await loaded(store, id);
      expect(await store.delete(id, undefined, record)).toEqual({ outcome: 'changed' });
      await store.parentNotified(id, { fence: fence - 1, hook: true });
      expect(await due(opened, id)).toMatchObject({ notifyPending: true });
      await store.parentNotified(id, { fence, hook: true });
      await opened.advance(30);
      expect(await dueOf(store, id)).toBe(undefined);
    }
  });

  test('a run with a hook that is cancelled before it began owes the news as well', async (opened) => {
    const { store, expect } = opened;
    const id = await created(store, { onEnd: true });
    await store.cancel(cancellation(id));
    expect(await due(opened, id)).toMatchObject({ status: 'cancelled', notifyPending: true });
    const { fence } = (await loaded(store, id)).record;
    await store.parentNotified(id, { fence, hook: true });
    await opened.advance(30);
    expect(await dueOf(store, id)).toBe(undefined);
  });

  test('it is known after an export and an import', async ({ store, expect }) => {
    const { id, ownership } = await held(store, { create: { onEnd: true } });
    await committed(store, ownership, { release: completed });
    expect(await store.transfer.export(id)).toMatchObject({
      notifyPending: true,
      record: { onEnd: true },
    });
  });
}

export const owingTheme: RunStoreTheme = { name: 'owing', parts: [children, hooks, moving] };
