/** Older code never takes what newer code has written. */
import {
  claimed,
  claiming,
  committed,
  created,
  dueOf,
  event,
  everything,
  farMs,
  held,
  parking,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

const queued = { status: 'queued', resendMs: farMs } as const;

function versions(test: RunStoreTest): void {
  test('older code is refused a run that newer code has had', async ({ store, expect }) => {
    const { id, ownership } = await held(store, { claim: { codeVersion: 3 } });
    await committed(store, ownership, { events: [event('of v3')], release: queued });
    expect(await store.record(id)).toMatchObject({ wroteVersion: 3, needsVersion: undefined });
    const before = await everything(store, id);
    for (const codeVersion of [1, 2]) {
      const refused = await store.claim(claiming(id, { codeVersion }));
      expect(refused).toEqual({ outcome: 'newer', codeVersion: 3 });
    }
    // Only that it was refused is noted.
    expect((await store.record(id))?.needsVersion).toBe(3);
    const { needsVersion: _, ...record } = (await store.record(id)) ?? {};
    expect(record).toMatchObject({ status: 'queued', codeVersion: 3 });
    expect((await store.events({ run: id, after: 3, limit: 9 })).length).toBe(0);
    const next = await claimed(store, id, { codeVersion: 3 });
    expect(next.record).toMatchObject({ wroteVersion: 3, needsVersion: undefined });
    expect(before).toMatchObject({ record: { seq: 3 } });
  });

  test('the code that made a run counts as well', async ({ store, expect }) => {
    const run = await created(store, { codeVersion: 2 });
    expect(await store.record(run)).toMatchObject({ codeVersion: 0, wroteVersion: 2 });
    const refused = await store.claim(claiming(run, { codeVersion: 1 }));
    expect(refused).toEqual({ outcome: 'newer', codeVersion: 2 });
    expect((await claimed(store, run, { codeVersion: 4 })).record.wroteVersion).toBe(4);
  });

  test('the highest version counts, also after a downgrade on purpose', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store, { claim: { codeVersion: 5 } });
    await committed(store, ownership, { release: queued });
    const older = await claimed(store, id, { codeVersion: 4, anyVersion: true });
    expect(older.record).toMatchObject({ codeVersion: 4, wroteVersion: 5 });
    await committed(store, older.ownership, { expectedSeq: older.record.seq, release: queued });
    const refused = await store.claim(claiming(id, { codeVersion: 4 }));
    expect(refused).toEqual({ outcome: 'newer', codeVersion: 5 });
  });

  test('a run that is not to be claimed anyway is not refused for its version', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership, worker } = await held(store, { claim: { codeVersion: 2 } });
    const old = { codeVersion: 1 };
    expect(await store.claim(claiming(id, old))).toEqual({ outcome: 'held', worker });
    await committed(store, ownership, { release: parking() });
    const idle = { outcome: 'notClaimable', status: 'waiting' };
    expect(await store.claim(claiming(id, old))).toEqual(idle);
    const stale = { outcome: 'stale', fence: ownership.fence };
    expect(await store.claim(claiming(id, { ...old, expectedFence: 1 }))).toEqual(stale);
    expect((await store.record(id))?.needsVersion).toBe(undefined);
  });

  test('a run that waits for newer code is due again soon, however long it waits', async (opened) => {
    const { store, expect } = opened;
    const soon = { aheadMs: 11_000 };
    const { id, ownership } = await held(store, { claim: { codeVersion: 2 } });
    await committed(store, ownership, { release: queued });
    expect(await dueOf(store, id, soon)).toBe(undefined);
    await store.claim(claiming(id, { codeVersion: 1 }));
    // Postponed by far, it would be out of reach.
    for (let i = 0; i < 2; i++) expect(await dueOf(store, id, soon)).toMatchObject({ run: id });
  });

  test('beside newer code it is due again at once, and more rarely with each refusal', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store, { claim: { codeVersion: 2 } });
    await committed(store, ownership, { release: queued });
    const refuse = (): Promise<unknown> => store.claim(claiming(id, { codeVersion: 1 }));
    await refuse();
    expect(await dueOf(store, id, { aheadMs: 1_000 })).toMatchObject({ run: id });
    for (let i = 0; i < 7; i++) {
      await refuse();
      await dueOf(store, id, { aheadMs: 60_000 });
    }
    await refuse();
    expect(await dueOf(store, id, { aheadMs: 5_000 })).toBe(undefined);
    expect(await dueOf(store, id, { aheadMs: 11_000 })).toMatchObject({ run: id });
  });
}

export const versionsTheme: RunStoreTheme = { name: 'versions', parts: [versions] };
