import type { RunStore } from '../../core/store.ts';
import { eventually, rounds } from '../eventually.ts';
import {
  bytes,
  claimed,
  claiming,
  committed,
  created,
  dueOf,
  event,
  everything,
  farMs,
  held,
  interruption,
  json,
  loaded,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
  storeTime,
  workerInfo,
} from './opened.ts';

/** Claims a run and loses its worker, so often, with no other suspect; returns the record after the last loss. */
async function lose(store: RunStore, run: string, times: number, quarantineAfter = 100) {
  for (let i = 0; i < times; i++) {
    const worker = newId('worker');
    await claimed(store, run, { worker });
    await store.fleet.interrupt(interruption(worker, { quarantineAfter, evidence: run }));
  }
  return (await loaded(store, run)).record;
}

/** When a worker has beaten last; 0 for one that is not registered. */
async function seenAtOf(store: RunStore, id: string): Promise<number> {
  return (await store.fleet.workers()).find((worker) => worker.id === id)?.seenAt ?? 0;
}

function taken(test: RunStoreTest): void {
  test('a lost worker’s run becomes interrupted, free and fenced off', async (opened) => {
    const { store, expect } = opened;
    const { id, worker, ownership, record } = await held(store, { create: { workflow: 'lost' } });
    const runs = await store.fleet.interrupt(interruption(worker));
    const after = (await loaded(store, id)).record;
    expect(runs).toEqual([
      {
        run: id,
        workflow: 'lost',
        fence: after.fence,
        losses: 1,
        priority: 0,
        status: 'interrupted',
        notifyPending: false,
        cancelPending: false,
        asleep: false,
      },
    ]);
    expect(after).toMatchObject({
      status: 'interrupted',
      worker: undefined,
      seq: 3,
      losses: 1,
      takeovers: 0,
    });
    expect(after.fence).toBeGreaterThan(ownership.fence);
    expect(after.changedAt).toBeGreaterThanOrEqual(record.changedAt);
  });

  test('the loss is written to the log as JSON, under the new fence', async (opened) => {
    const { store, advance, expect } = opened;
    const worker = newId('a "quoted" \\ back/slashed, ünïcödé \u{1F4BE}');
    const { id, record } = await held(store, { claim: { worker } });
    await advance(20);
    const lastSeenAt = await storeTime(store);
    await advance(20);
    await store.fleet.interrupt(interruption(worker, { reason: 'presence-lost', lastSeenAt }));
    const found = await loaded(store, id);
    const [loss] = await store.events({ run: id, after: 2, limit: 10 });
    if (loss === undefined) throw new Error('no event');
    expect(loss).toMatchObject({ seq: 3, type: 'run.interrupted', fence: found.record.fence });
    expect(json(loss.data)).toEqual({
      worker,
      reason: 'presence-lost',
      lastSeenAt,
      detectMs: loss.at - lastSeenAt,
      losses: 1,
      proofs: 0,
    });
    expect(loss.at).toBe(found.record.changedAt);
    expect(found.record.bytes).toBe(record.bytes + loss.data.length);
  });

  test('an event younger than the last beat is the last sign of life', async (opened) => {
    const { store, advance, expect } = opened;
    const { id, worker, ownership, record } = await held(store);
    await advance(20);
    await committed(store, ownership, { events: [event('alive')] });
    await store.fleet.interrupt(interruption(worker, { lastSeenAt: record.createdAt }));
    const [alive, loss] = await store.events({ run: id, after: 2, limit: 10 });
    expect(json(loss?.data ?? bytes('null'))).toMatchObject({
      lastSeenAt: alive?.at,
      detectMs: (loss?.at ?? 0) - (alive?.at ?? 0),
    });
  });

  test('an interrupted run is due again after resendMs, and not before', async (opened) => {
    const { store, expect } = opened;
    const { id, worker } = await held(store);
    const resendMs = 60;
    const [run] = await store.fleet.interrupt(interruption(worker, { resendMs }));
    const { changedAt } = (await loaded(store, id)).record;
    const due = await eventually(opened, 'the run is due', () => dueOf(store, id));
    expect(due).toEqual(run);
    expect(await storeTime(store)).toBeGreaterThanOrEqual(changedAt + resendMs);
  });
}

function whose(test: RunStoreTest): void {
  test('only the worker’s own runs are taken', async ({ store, expect }) => {
    const other = await held(store);
    const { id, worker } = await held(store);
    const queued = await created(store);
    const before = [await everything(store, other.id), await everything(store, queued)];
    const runs = await store.fleet.interrupt(interruption(worker));
    expect(runs.map(({ run }) => run)).toEqual([id]);
    expect([await everything(store, other.id), await everything(store, queued)]).toEqual(before);
  });

  test('when runs are named, only those are taken, if the worker holds them', async (opened) => {
    const { store, expect } = opened;
    const other = await held(store);
    const { id, worker } = await held(store);
    const kept = await held(store, { claim: { worker } });
    expect([...(await store.fleet.held(worker))].sort()).toEqual([id, kept.id].sort());
    const before = [await everything(store, other.id), await everything(store, kept.id)];
    const reason = 'forgotten';
    const runs = await store.fleet.interrupt(
      interruption(worker, { reason, runs: [id, other.id] }),
    );
    expect(runs).toMatchObject([{ run: id, status: 'interrupted' }]);
    expect([await everything(store, other.id), await everything(store, kept.id)]).toEqual(before);
    expect(await store.fleet.held(worker)).toEqual([kept.id]);
    expect(await store.fleet.interrupt(interruption(worker, { runs: [] }))).toEqual([]);
    expect((await claimed(store, id)).takeover).toMatchObject({ from: worker, reason });
    expect(await store.fleet.held(newId('worker'))).toEqual([]);
  });

  test('runs that the worker lost before and another one has now stay with that one', async (opened) => {
    const { store, expect } = opened;
    const { id, worker } = await held(store);
    await store.fleet.interrupt(interruption(worker));
    const next = await claimed(store, id);
    expect(await store.fleet.interrupt(interruption(worker))).toEqual([]);
    expect((await loaded(store, id)).record).toMatchObject({ worker: next.record.worker });
  });

  test('a worker that beats again keeps its runs', async (opened) => {
    const { store, advance, expect } = opened;
    const { id, worker } = await held(store);
    const seen = { seenAt: await seenAtOf(store, worker) };
    await store.fleet.beat(workerInfo(worker), farMs);
    expect(await store.fleet.interrupt(interruption(worker, { seen }))).toEqual([]);
    await advance(5);
    const registered = { seenAt: await seenAtOf(store, worker) };
    await store.fleet.beat(workerInfo(worker), farMs);
    expect(await store.fleet.interrupt(interruption(worker, { seen: registered }))).toEqual([]);
    expect((await loaded(store, id)).record).toMatchObject({ status: 'running', worker });
    const now = { seenAt: await seenAtOf(store, worker) };
    expect(await store.fleet.interrupt(interruption(worker, { seen: now }))).toMatchObject([
      { run: id },
    ]);
    await store.fleet.deregister(worker);
  });

  test('a worker whose process is there again keeps its runs', async (opened) => {
    const { store, registerElsewhere, expect } = opened;
    const { worker } = await held(store);
    const vanish = await registerElsewhere(worker);
    await store.fleet.beat(workerInfo(worker), farMs);
    const seen = { seenAt: await seenAtOf(store, worker), isAbsent: true };
    const lost = interruption(worker, { seen, reason: 'presence-lost' });
    expect(await store.fleet.interrupt(lost)).toEqual([]);
    expect(await store.fleet.deregister(worker, seen)).toBe(false);
    await vanish();
    await eventually(
      opened,
      'the worker is lost',
      async () => (await store.fleet.interrupt(lost)).length === 1 || undefined,
    );
    await store.fleet.deregister(worker);
  });

  test('a worker that holds nothing loses nothing', async ({ store, expect }) => {
    expect(await store.fleet.interrupt(interruption(newId('worker')))).toEqual([]);
  });

  test('at most limit runs are taken in one call, and all of them by repeating it', async (opened) => {
    const { store, expect } = opened;
    const worker = newId('worker');
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.push((await held(store, { claim: { worker } })).id);
    const sizes: number[] = [];
    const seen: string[] = [];
    for (const _ of rounds('interrupting')) {
      const runs = await store.fleet.interrupt(interruption(worker, { limit: 3 }));
      if (runs.length === 0) break;
      sizes.push(runs.length);
      seen.push(...runs.map(({ run }) => run));
    }
    expect(sizes).toEqual([3, 3, 1]);
    expect(seen.sort()).toEqual(ids.sort());
  });

  test('holders are the workers that hold runs', async (opened) => {
    const { store, expect } = opened;
    const workers = [newId('worker'), newId('worker')];
    for (const worker of workers) {
      expect(await store.fleet.holders()).not.toContain(worker);
      for (let i = 0; i < 3; i++) await held(store, { claim: { worker } });
    }
    const holders = await store.fleet.holders();
    for (const worker of workers) {
      expect(holders.filter((holder) => holder === worker)).toEqual([worker]);
    }
    // An id may stay for a while after its last run.
    for (const worker of workers) {
      await eventually(opened, `${worker} is no holder`, async () => {
        await store.fleet.interrupt(interruption(worker));
        return !(await store.fleet.holders()).includes(worker) || undefined;
      });
    }
  });
}

function losses(test: RunStoreTest): void {
  test('losses without progress are counted', async ({ store, expect }) => {
    const run = await created(store);
    expect(await lose(store, run, 3)).toMatchObject({
      status: 'interrupted',
      losses: 3,
      takeovers: 2,
    });
    const again = await store.claim(claiming(run));
    expect(again).toMatchObject({ record: { losses: 3, takeovers: 3 } });
  });

  test('the wake-up of a run that killed workers says so', async ({ store, expect }) => {
    const run = await created(store);
    await lose(store, run, 1);
    const { worker } = (await claimed(store, run)).record;
    const [wakeUp] = await store.fleet.interrupt(interruption(worker ?? '', { resendMs: 0 }));
    expect(wakeUp).toMatchObject({ run, losses: 2 });
    expect(await dueOf(store, run)).toMatchObject({ run, losses: 2, status: 'interrupted' });
  });

  test('a run is quarantined at the quarantineAfter-th death that is evidence', async ({
    store,
    expect,
  }) => {
    const run = await created(store);
    expect((await lose(store, run, 2, 3)).status).toBe('interrupted');
    const { record: last, ownership } = await claimed(store, run);
    const worker = last.worker ?? '';
    const runs = await store.fleet.interrupt(
      interruption(worker, { quarantineAfter: 3, evidence: run, resendMs: 0 }),
    );
    const { record } = await loaded(store, run);
    expect(runs).toMatchObject([{ run, status: 'quarantined', losses: 3, fence: record.fence }]);
    expect(record).toMatchObject({ status: 'quarantined', worker: undefined, losses: 3 });
    expect(record.fence).toBeGreaterThan(ownership.fence);
    expect(json(record.error ?? bytes('null'))).toMatchObject({ code: 'PAWL_RUN_QUARANTINED' });
    expect(await dueOf(store, run)).toBe(undefined);
    expect(await store.claim(claiming(run))).toEqual({
      outcome: 'notClaimable',
      status: 'quarantined',
    });

    const [loss, aside, ...none] = await store.events({ run, after: last.seq, limit: 10 });
    expect(none).toEqual([]);
    expect([loss?.type, aside?.type]).toEqual(['run.interrupted', 'run.quarantined']);
    expect(aside?.seq).toBe(record.seq);
    expect(json(aside?.data ?? bytes('null'))).toEqual({ worker, losses: 3, proofs: 3 });
    const written = (loss?.data.length ?? 0) + (aside?.data.length ?? 0);
    expect(record.bytes).toBe(last.bytes + written);
  });

  test('a snapshot kept before a loss is there for the next owner', async ({ store, expect }) => {
    const { id, worker, ownership } = await held(store);
    const snapshot = { schema: 1, set: new Map([['state:a', bytes('1')]]), remove: [] };
    await committed(store, ownership, { events: [event('one')], snapshot });
    await store.fleet.interrupt(interruption(worker, { resendMs: farMs }));
    const next = await claimed(store, id);
    expect(next.snapshot).toMatchObject({ version: 1, seq: 3 });
    expect(next.events.map(({ type }) => type)).toEqual(['run.interrupted', 'run.claimed']);
  });
}

export const interruptTheme: RunStoreTheme = { name: 'interrupt', parts: [taken, whose, losses] };
