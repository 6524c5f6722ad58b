import type { Release } from '../../core/store.ts';
import { eventually } from '../eventually.ts';
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
  plain,
  type RunStoreTest,
  type RunStoreTheme,
  parking,
} from './opened.ts';

/** Every way to let go of a run after which nobody may claim it. */
const final: readonly Release[] = [
  { status: 'completed', output: bytes('output'), keepMs: farMs },
  { status: 'failed', error: bytes('error'), keepMs: farMs },
  { status: 'cancelled', error: bytes('error'), keepMs: farMs },
  { status: 'quarantined', error: bytes('error') },
  parking(),
  parking({ wakeMs: farMs }),
];

function granted(test: RunStoreTest): void {
  test('a claim makes a queued run the worker’s and raises its fence', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store, { workflow: 'order' });
    const params = claiming(run, { codeVersion: 7 });
    const claim = await store.claim(params);
    if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
    expect(claim.record).toMatchObject({
      status: 'running',
      worker: params.worker,
      codeVersion: 7,
      seq: 2,
      takeovers: 0,
      losses: 0,
    });
    expect(claim.ownership).toEqual({ run, fence: claim.record.fence, owner: params.token });
    expect(claim.record.fence).toBeGreaterThan(0);
    expect(claim.takeover).toBe(undefined);
    expect(claim.snapshot).toBe(undefined);
  });

  test('a repeated claim tells the time of its own answer', async ({ store, expect, advance }) => {
    const params = claiming(await created(store));
    const first = await store.claim(params);
    if (first.outcome !== 'claimed') throw new Error(first.outcome);
    expect(first.now).toBe(first.record.changedAt);
    await advance(20);
    const again = await store.claim(params);
    if (again.outcome !== 'claimed') throw new Error(again.outcome);
    expect(again.record).toEqual(first.record);
    expect(again.now).toBeGreaterThan(first.now);
  });

  test('a claim returns what load would', async ({ store, expect }) => {
    const { id, record, snapshot, events } = await held(store);
    expect(plain({ record, snapshot, events })).toEqual(plain(await loaded(store, id)));
  });

  test('a claim writes run.claimed, as JSON, under the new fence', async ({ store, expect }) => {
    const { worker, events, record } = await held(store, { claim: { codeVersion: 7 } });
    expect(events.map(({ type, seq }) => [seq, type])).toEqual([
      [1, 'run.created'],
      [2, 'run.claimed'],
    ]);
    const [creation, claim] = events;
    if (creation === undefined || claim === undefined) throw new Error('two events');
    expect(json(claim.data)).toEqual({ worker, codeVersion: 7 });
    expect(claim.fence).toBe(record.fence);
    expect(claim.at).toBe(record.changedAt);
    expect(claim.at).toBeGreaterThanOrEqual(creation.at);
    expect(record.bytes).toBe(creation.data.length + claim.data.length);
  });

  test('any worker id is readable in the log', async ({ store, expect }) => {
    const worker = newId('a "quoted" \\ back/slashed, ünïcödé \u{1F4BE}');
    const { events } = await held(store, { claim: { worker } });
    expect(json(events[1]?.data ?? bytes('null'))).toMatchObject({ worker });
  });
}

function refused(test: RunStoreTest): void {
  test('a run is held by one worker: another claim is told which', async ({ store, expect }) => {
    const { id, worker } = await held(store);
    const before = await everything(store, id);
    expect(await store.claim(claiming(id))).toEqual({ outcome: 'held', worker });
    expect(await everything(store, id)).toEqual(before);
  });

  test('the same worker with another token is another owner', async ({ store, expect }) => {
    const { id, worker } = await held(store);
    expect(await store.claim(claiming(id, { worker }))).toEqual({ outcome: 'held', worker });
  });

  test('a claim at the fence of its wake-up is granted', async ({ store, expect }) => {
    const run = await created(store);
    expect((await store.claim(claiming(run, { expectedFence: 0 }))).outcome).toBe('claimed');
  });

  test('a wake-up of an earlier fence is stale, and changes nothing', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    await committed(store, ownership, { release: { status: 'queued', resendMs: farMs } });
    const before = await everything(store, id);
    const { fence } = ownership;
    expect(await store.claim(claiming(id, { expectedFence: 0 }))).toEqual({
      outcome: 'stale',
      fence,
    });
    expect(await store.claim(claiming(id, { expectedFence: fence - 1 }))).toEqual({
      outcome: 'stale',
      fence,
    });
    expect(await everything(store, id)).toEqual(before);
    expect((await store.claim(claiming(id, { expectedFence: fence }))).outcome).toBe('claimed');
  });

  test('a wake-up at the present fence of a held run finds it held', async ({ store, expect }) => {
    const { id, worker, ownership } = await held(store);
    const claim = await store.claim(claiming(id, { expectedFence: ownership.fence }));
    expect(claim).toEqual({ outcome: 'held', worker });
  });
}

function byStatus(test: RunStoreTest): void {
  test('a run that has ended, is quarantined or waits is not claimed', async ({
    store,
    expect,
  }) => {
    for (const release of final) {
      const { id, ownership } = await held(store);
      await committed(store, ownership, { release });
      const before = await everything(store, id);
      expect(await store.claim(claiming(id)), release.status).toEqual({
        outcome: 'notClaimable',
        status: release.status,
      });
      expect(await everything(store, id), release.status).toEqual(before);
    }
  });

  test('a waiting run is claimed once its time has come, and not before', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await committed(store, ownership, { release: parking({ wakeMs: 60 }) });
    const { wakeAt } = (await loaded(store, id)).record;
    const again = await eventually(opened, 'the run can be claimed', async () => {
      const claim = await store.claim(claiming(id));
      return claim.outcome === 'claimed' ? claim : undefined;
    });
    expect(again.record).toMatchObject({ status: 'running', wakeAt: undefined });
    expect(again.record.changedAt).toBeGreaterThanOrEqual(wakeAt ?? Infinity);
    expect(again.takeover).toBe(undefined);
  });

  test('a run that is not there is missing', async ({ store, expect }) => {
    const run = newId('run');
    expect(await store.claim(claiming(run))).toEqual({ outcome: 'missing' });
    expect(await store.claim(claiming(run, { expectedFence: 0 }))).toEqual({ outcome: 'missing' });
    expect(await store.record(run)).toBe(undefined);
  });

  test('fences only grow, claim after claim', async ({ store, expect }) => {
    let { ownership, id } = await held(store);
    for (let i = 0; i < 3; i++) {
      const expectedSeq = 2 + i;
      const release = { status: 'queued', resendMs: farMs } as const;
      await committed(store, ownership, { expectedSeq, release });
      const next = await claimed(store, id);
      expect(next.ownership.fence).toBeGreaterThan(ownership.fence);
      ({ ownership } = next);
    }
  });

  test('a held run is not due', async ({ store, expect }) => {
    const run = await created(store, { resendMs: 0 });
    await claimed(store, run);
    expect(await dueOf(store, run, { aheadMs: 1000 })).toBe(undefined);
    expect(await dueOf(store, run)).toBe(undefined);
  });
}

function takeovers(test: RunStoreTest): void {
  test('the claim after a loss returns the takeover, and writes it down', async (opened) => {
    const { store, advance, expect } = opened;
    const { id, worker, events } = await held(store);
    const lastSeenAt = events[1]?.at ?? 0;
    await advance(60);
    await store.fleet.interrupt(interruption(worker, { reason: 'presence-lost', lastSeenAt }));
    await advance(40);
    const claim = await claimed(store, id, { codeVersion: 2 });
    if (claim.takeover === undefined) throw new Error('no takeover');
    expect(claim.takeover).toMatchObject({ from: worker, reason: 'presence-lost' });
    expect(claim.takeover.detectMs).toBeGreaterThanOrEqual(60);
    expect(claim.takeover.claimMs).toBeGreaterThanOrEqual(40);
    const [interrupted, taken] = claim.events.slice(-2);
    expect(taken?.type).toBe('run.claimed');
    expect(json(taken?.data ?? bytes('null'))).toEqual({
      worker: claim.record.worker,
      codeVersion: 2,
      takeover: claim.takeover,
    });
    expect((taken?.at ?? 0) - (interrupted?.at ?? 0)).toBe(claim.takeover.claimMs);
    expect(claim.record.takeovers).toBe(1);
  });

  test('a takeover belongs to one claim: after a hand-back there is none', async (opened) => {
    const { store, expect } = opened;
    const { id, worker } = await held(store);
    await store.fleet.interrupt(interruption(worker));
    const { ownership, record } = await claimed(store, id);
    const release = { status: 'queued', resendMs: farMs } as const;
    await committed(store, ownership, { expectedSeq: record.seq, release });
    const next = await claimed(store, id);
    expect(next.takeover).toBe(undefined);
    expect(Object.keys(json(next.events.at(-1)?.data ?? bytes('{}')) as object)).not.toContain(
      'takeover',
    );
    expect(next.record.takeovers).toBe(1);
  });
}

function goingOn(test: RunStoreTest): void {
  test('the wake-up that an interrupt returns claims the run', async ({ store, expect }) => {
    const { id, worker } = await held(store);
    const [wakeUp] = await store.fleet.interrupt(interruption(worker));
    if (wakeUp === undefined) throw new Error('no run was taken');
    expect((await store.claim(claiming(id, { expectedFence: wakeUp.fence }))).outcome).toBe(
      'claimed',
    );
  });

  test('a claim starts from the snapshot and what came after it', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const snapshot = { schema: 4, set: new Map([['state:a', bytes('1')]]), remove: [] };
    await committed(store, ownership, { events: [event('one'), event('two')], snapshot });
    await committed(store, ownership, {
      expectedSeq: 4,
      events: [event('three')],
      release: { status: 'queued', resendMs: farMs },
    });
    const next = await claimed(store, id);
    expect(next.snapshot).toMatchObject({ version: 1, seq: 4, schema: 4 });
    expect(plain(next.snapshot?.fields)).toEqual(plain({ 'state:a': bytes('1') }));
    expect(next.events.map(({ type }) => type)).toEqual(['three', 'run.claimed']);
  });
}

export const claimTheme: RunStoreTheme = {
  name: 'claim',
  parts: [granted, refused, byStatus, takeovers, goingOn],
};
