import type { CommitOutcome, Ownership, RunStore } from '../../core/store.ts';
import type { Expect } from '../runner.ts';
import {
  bytes,
  claimed,
  claiming,
  commit,
  committed,
  created,
  creation,
  event,
  everything,
  everyWrite,
  farMs,
  held,
  interruption,
  loaded,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
  parking,
} from './opened.ts';

/** Tries every kind of write, at the seq the zombie knows and at the true one: each is refused, nothing changes. */
async function refusesAll(
  { store, expect }: { readonly store: RunStore; readonly expect: Expect },
  zombie: Ownership,
  knownSeq: number,
): Promise<void> {
  const before = await everything(store, zombie.run);
  const { record } = await loaded(store, zombie.run);
  const refused: CommitOutcome = { outcome: 'fenced', fence: record.fence, applied: false };
  // Behind the log, where the zombie thinks it is, at the true end, and ahead.
  for (const expectedSeq of new Set([1, knownSeq, record.seq, record.seq + 1])) {
    for (const [what, write] of everyWrite()) {
      const outcome = await store.commit(commit(zombie, { ...write, expectedSeq }));
      const message = `${what} at seq ${expectedSeq}`;
      // Where an event of its fence stands, a store may take that for the one it is asked to write.
      const hasWritten = expectedSeq < knownSeq;
      if (hasWritten) expect(outcome.outcome, message).toBe('fenced');
      else expect(outcome, message).toEqual(refused);
    }
  }
  expect(await everything(store, zombie.run)).toEqual(before);
}

function lost(test: RunStoreTest): void {
  test('a worker that lost its run cannot write to it any more', async (opened) => {
    const { ownership, worker } = await held(opened.store);
    await opened.store.fleet.interrupt(interruption(worker));
    await refusesAll(opened, ownership, 2);
  });

  test('a worker that lost its run cannot write to it with the fence of its wake-up', async (opened) => {
    const { store } = opened;
    for (const quarantineAfter of [1, 3]) {
      const { ownership, worker } = await held(store);
      const params = { quarantineAfter, evidence: ownership.run };
      const [taken] = await store.fleet.interrupt(interruption(worker, params));
      const { seq } = (await loaded(store, ownership.run)).record;
      await refusesAll(opened, { ...ownership, fence: taken?.fence ?? 0 }, seq);
    }
  });

  test('a worker whose run was quarantined cannot write to it any more', async (opened) => {
    const { ownership, worker } = await held(opened.store);
    const params = { quarantineAfter: 1, evidence: ownership.run };
    await opened.store.fleet.interrupt(interruption(worker, params));
    await refusesAll(opened, ownership, 2);
  });

  test('a worker whose run belongs to another one cannot write to it any more', async (opened) => {
    const { id, ownership, worker } = await held(opened.store);
    await committed(opened.store, ownership, { events: [event('mine')] });
    await opened.store.fleet.interrupt(interruption(worker));
    await claimed(opened.store, id);
    await refusesAll(opened, ownership, 3);
  });

  test('a worker that lost its run and claims it again writes only with the new claim', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership, worker } = await held(store);
    await store.fleet.interrupt(interruption(worker));
    const again = await claimed(store, id, { worker });
    await refusesAll(opened, ownership, 2);
    const seq = again.record.seq;
    const events = [event('mine')];
    expect(await committed(store, again.ownership, { expectedSeq: seq, events })).toBe(seq + 1);
  });

  test('the new owner is not disturbed by writes of the old one', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership, worker } = await held(store);
    await store.fleet.interrupt(interruption(worker));
    const next = await claimed(store, id);
    for (let seq = next.record.seq; seq < 12; seq++) {
      await Promise.all([
        store.commit(commit(ownership, { expectedSeq: seq, events: [event('zombie')] })),
        committed(store, next.ownership, { expectedSeq: seq, events: [event('owner')] }),
      ]);
    }
    const events = await store.events({ run: id, after: next.record.seq, limit: 100 });
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['owner']));
    expect(new Set(events.map(({ fence }) => fence))).toEqual(new Set([next.ownership.fence]));
  });
}

function letGo(test: RunStoreTest): void {
  test('a worker that let go of its run cannot write to it any more', async (opened) => {
    for (const release of [
      { status: 'completed', output: bytes('output'), keepMs: farMs },
      { status: 'failed', error: bytes('error'), keepMs: farMs },
      { status: 'cancelled', error: bytes('error'), keepMs: farMs },
      { status: 'quarantined', error: bytes('error') },
      { status: 'queued', resendMs: farMs },
      parking({ wakeMs: farMs }),
      parking(),
    ] as const) {
      const { ownership } = await held(opened.store);
      await committed(opened.store, ownership, { release });
      await refusesAll(opened, ownership, 2);
    }
  });

  test('a worker that handed its run to another one cannot write to it any more', async (opened) => {
    const { id, ownership } = await held(opened.store);
    await committed(opened.store, ownership, { release: { status: 'queued', resendMs: farMs } });
    await claimed(opened.store, id);
    await refusesAll(opened, ownership, 2);
  });
}

function strangers(test: RunStoreTest): void {
  test('the right fence without the owner’s token is refused', async (opened) => {
    const { ownership } = await held(opened.store);
    await refusesAll(opened, { ...ownership, owner: newId('token') }, 2);
    await refusesAll(opened, { ...ownership, owner: '' }, 2);
  });

  test('the owner’s token with another fence is refused', async (opened) => {
    const { ownership } = await held(opened.store);
    for (const fence of [0, ownership.fence - 1, ownership.fence + 1]) {
      await refusesAll(opened, { ...ownership, fence }, 2);
    }
  });

  test('nobody writes to a run that was never claimed', async (opened) => {
    const run = await created(opened.store);
    await refusesAll(opened, { run, fence: 0, owner: newId('token') }, 1);
    await refusesAll(opened, { run, fence: 0, owner: '' }, 1);
  });

  test('the token that made a run is not the right to write to it', async (opened) => {
    const { store } = opened;
    const params = creation();
    await store.create(params);
    await refusesAll(opened, { run: params.run, fence: 0, owner: params.token }, 1);
  });

  test('a claim that was refused gives no right to write', async (opened) => {
    const { id, ownership } = await held(opened.store);
    const params = claiming(id);
    await opened.store.claim(params);
    await refusesAll(opened, { run: id, fence: ownership.fence, owner: params.token }, 2);
  });
}

export const fencesTheme: RunStoreTheme = { name: 'fences', parts: [lost, letGo, strangers] };
