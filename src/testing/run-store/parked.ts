/** A parked run whose handler was left behind and might go on: taken again by its worker, or woken when that one is gone. */
import type { Ownership, RunStore } from '../../core/store.ts';
import {
  bytes,
  claimed,
  claiming,
  committed,
  dueOf,
  farMs,
  held,
  interruption,
  newId,
  parking,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

const forGo = { kind: 'signal', name: 'approval', on: ['go'], since: 1 } as const;

interface Parked {
  readonly id: string;
  readonly worker: string;
  readonly ownership: Ownership;
}

async function parked(
  store: RunStore,
  { worker = newId('worker'), mayGoOn = true }: { worker?: string; mayGoOn?: boolean } = {},
): Promise<Parked> {
  const { id, ownership } = await held(store, { claim: { worker } });
  await committed(store, ownership, { release: parking({ waits: [forGo], mayGoOn }) });
  return { id, worker, ownership };
}

function reclaiming(test: RunStoreTest): void {
  test('the worker that parked a run goes on with it while it sleeps', async ({
    store,
    expect,
  }) => {
    for (const mayGoOn of [true, false]) {
      const { id, worker, ownership } = await parked(store, { mayGoOn });
      const expectedFence = ownership.fence;
      const again = claiming(id, { worker, expectedFence });
      expect(await store.claim(again)).toEqual({ outcome: 'notClaimable', status: 'waiting' });
      const { record, events } = await claimed(store, id, { ...again, reclaim: true });
      expect(record).toMatchObject({ status: 'running', worker, waits: [], wakeAt: undefined });
      expect(record.fence).toBeGreaterThan(expectedFence);
      expect(events.at(-1)?.type).toBe('run.claimed');
      expect(await dueOf(store, id)).toBe(undefined);
      // Whoever comes with the fence of before comes too late.
      const late = await store.claim({ ...again, token: newId('token'), reclaim: true });
      expect(late).toMatchObject({ outcome: 'stale' });
    }
  });

  test('a run that was paused, or is over, is not taken so', async ({ store, expect }) => {
    const { id, worker } = await parked(store);
    await store.pause(id, bytes('why'));
    const again = claiming(id, { worker, reclaim: true });
    expect(await store.claim(again)).toEqual({ outcome: 'notClaimable', status: 'waiting' });
    const over = await held(store);
    const release = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;
    await committed(store, over.ownership, { release });
    const taken = await store.claim(claiming(over.id, { worker, reclaim: true }));
    expect(taken).toEqual({ outcome: 'notClaimable', status: 'completed' });
  });
}

/** The ways in which a worker may be gone. */
const goings = [
  ['dies', (store: RunStore, worker: string) => store.fleet.interrupt(interruption(worker))],
  ['leaves', (store: RunStore, worker: string) => store.fleet.deregister(worker).then(() => [])],
] as const;

function waking(test: RunStoreTest): void {
  for (const [what, go] of goings) {
    test(`when a worker ${what}, what it parked and may go on with is woken`, async (opened) => {
      const { store, expect } = opened;
      const { id, worker } = await parked(store);
      const other = await parked(store, { worker, mayGoOn: false });
      const stranger = await parked(store);
      expect(await store.fleet.holders()).toContain(worker);
      expect(await dueOf(store, id)).toBe(undefined);
      // It was not taken from anybody: it goes on under the fence it has.
      expect(await go(store, worker)).toEqual([]);
      expect(await dueOf(store, id)).toMatchObject({ status: 'waiting', asleep: false });
      const { record, takeover } = await claimed(store, id);
      expect([record.takeovers, takeover]).toEqual([0, undefined]);
      for (const run of [other.id, stranger.id]) {
        expect(await dueOf(store, run)).toBe(undefined);
        expect((await store.claim(claiming(run))).outcome).toBe('notClaimable');
      }
    });

    test(`when a worker ${what}, a run that is paused stays so, and goes on then`, async (opened) => {
      const { store, expect } = opened;
      const { id, worker } = await parked(store);
      await store.pause(id, bytes('why'));
      await go(store, worker);
      expect(await dueOf(store, id)).toBe(undefined);
      await store.resume(id, bytes('go'));
      expect(await dueOf(store, id)).toMatchObject({ run: id, asleep: false });
    });

    test(`when a worker ${what}, all of very many are woken`, async ({ store, expect }) => {
      const worker = newId('worker');
      const runs = new Set<string>();
      for (let i = 0; i < 230; i++) runs.add((await parked(store, { worker })).id);
      await go(store, worker);
      for (let page = 500; page === 500;) {
        const due = await store.fleet.due({ limit: 500, resendMs: farMs });
        for (const { run } of due) runs.delete(run);
        page = due.length;
      }
      expect(runs.size).toBe(0);
      expect(await store.fleet.holders()).not.toContain(worker);
    });
  }

  test('when only some runs are taken from a worker, nothing is woken', async ({
    store,
    expect,
  }) => {
    const { id, worker } = await parked(store);
    const lost = await held(store, { claim: { worker } });
    await store.fleet.interrupt(interruption(worker, { runs: [lost.id], reason: 'forgotten' }));
    expect(await dueOf(store, id)).toBe(undefined);
    await store.fleet.interrupt(interruption(worker));
    expect(await dueOf(store, id)).toMatchObject({ run: id });
  });
}

function settling(test: RunStoreTest): void {
  test('what is settled, deleted, or claimed by another one, is not woken', async (opened) => {
    const { store, expect } = opened;
    const worker = newId('worker');
    const settled = await parked(store, { worker });
    const reclaimed = await parked(store, { worker });
    const deleted = await parked(store, { worker });
    await store.fleet.settled(worker, [{ run: settled.id, fence: settled.ownership.fence }]);
    const next = await claimed(store, reclaimed.id, { reclaim: true });
    const { seq } = next.record;
    const release = parking({ waits: [forGo] });
    await committed(store, next.ownership, { expectedSeq: seq, release });
    await store.delete(deleted.id);
    await store.fleet.interrupt(interruption(worker));
    for (const { id } of [settled, reclaimed]) {
      expect(await dueOf(store, id)).toBe(undefined);
      expect((await store.claim(claiming(id))).outcome).toBe('notClaimable');
    }
    expect(await store.record(deleted.id)).toBe(undefined);
  });

  test('what is said of an earlier handler does not count for the one of now', async (opened) => {
    const { store, expect } = opened;
    const { id, worker, ownership } = await parked(store);
    const next = await claimed(store, id, { worker, reclaim: true });
    const { seq } = next.record;
    const release = parking({ waits: [forGo], mayGoOn: true });
    await committed(store, next.ownership, { expectedSeq: seq, release });
    const stale = { run: id, fence: ownership.fence };
    await store.fleet.settled(worker, [stale, { run: newId('run'), fence: 1 }]);
    await store.fleet.settled(newId('worker'), [{ run: id, fence: next.ownership.fence }]);
    await store.fleet.interrupt(interruption(worker));
    expect(await dueOf(store, id)).toMatchObject({ run: id, asleep: false });
  });
}

export const parkedTheme: RunStoreTheme = { name: 'parked', parts: [reclaiming, waking, settling] };
