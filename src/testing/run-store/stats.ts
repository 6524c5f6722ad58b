import type { RunStats } from '../../core/run-stats.ts';
import { type RunStatus, runStatuses } from '../../core/run.ts';
import type { RunStore } from '../../core/store.ts';
import {
  bytes,
  committed,
  created,
  farMs,
  held,
  interruption,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

/** What has changed since `before`: others have runs in this store, too. */
async function changes(
  store: RunStore,
  before: RunStats,
): Promise<Partial<Record<RunStatus, number>>> {
  const { runs } = await store.observation.stats();
  const entries = runStatuses.map((status) => [status, runs[status] - before.runs[status]]);
  return Object.fromEntries(entries.filter(([, change]) => change !== 0)) as object;
}

function counts(test: RunStoreTest): void {
  test('a run is counted in the status it has, until it is deleted', async ({ store, expect }) => {
    const before = await store.observation.stats();
    const first = await held(store);
    const second = await held(store);
    const third = await created(store);
    expect(await changes(store, before)).toEqual({ running: 2, queued: 1 });
    await store.fleet.interrupt(interruption(first.worker));
    const release = { status: 'completed', output: bytes('o'), keepMs: farMs } as const;
    await committed(store, second.ownership, { release });
    expect(await changes(store, before)).toEqual({ interrupted: 1, completed: 1, queued: 1 });
    for (const run of [first.id, second.id, third]) await store.delete(run);
    expect(await changes(store, before)).toEqual({});
  });

  test('a run that waits is counted as waiting', async ({ store, expect }) => {
    const before = await store.observation.stats();
    await created(store, { delayMs: farMs });
    expect(await changes(store, before)).toEqual({ waiting: 1 });
  });
}

function late(test: RunStoreTest): void {
  test('a run nobody has looked at in time is overdue', async ({ store, advance, expect }) => {
    const before = await store.observation.stats();
    const run = await created(store, { resendMs: 0 });
    await advance(20);
    const { overdue, overdueMs } = await store.observation.stats();
    expect(overdue).toBeGreaterThan(before.overdue);
    expect(overdueMs).toBeGreaterThan(19);
    await store.delete(run);
  });

  test('its health tells of a run nobody has looked at', async ({ store, advance, expect }) => {
    const before = await store.observation.health();
    const run = await created(store, { resendMs: 0 });
    await advance(20);
    const { now, overdue, overdueSince, queued, mismatches } = await store.observation.health();
    expect(now).toBeGreaterThan(before.now);
    expect(overdue).toBeGreaterThan(before.overdue);
    expect(now - (overdueSince ?? now)).toBeGreaterThan(19);
    expect(queued).toBeGreaterThan(before.queued);
    expect(mismatches).toEqual([]);
    await store.delete(run);
  });

  test('a run that no worker has taken waits for one', async ({ store, advance, expect }) => {
    const run = await created(store);
    await advance(20);
    expect((await store.observation.stats()).waitingMs).toBeGreaterThan(19);
    await store.delete(run);
  });
}

function over(test: RunStoreTest): void {
  test('runs are counted by when they were created, as they stand now', async (opened) => {
    const { store, advance, expect } = opened;
    await advance(20);
    const first = await store.observation.now();
    const old = await held(store);
    await advance(20);
    const second = await store.observation.now();
    const young = await created(store);
    await advance(20);
    const end = await store.observation.now();
    const [a, b, none] = await store.observation.statsOver([first, second, end, end + farMs]);
    // Others have runs in this store, too, but not of this time.
    expect(a).toMatchObject({ running: 1, queued: 0 });
    expect(b).toMatchObject({ running: 0, queued: 1 });
    expect(Object.values(none ?? {}).every((count) => count === 0)).toBe(true);
    expect(Object.keys(none ?? {})).toEqual([...runStatuses]);
    await store.fleet.interrupt(interruption(old.worker));
    expect((await store.observation.statsOver([first, second]))[0]).toMatchObject({
      running: 0,
      interrupted: 1,
    });
    for (const run of [old.id, young]) await store.delete(run);
    expect((await store.observation.statsOver([first, end]))[0]).toMatchObject({
      queued: 0,
      interrupted: 0,
    });
  });
}

export const statsTheme: RunStoreTheme = { name: 'stats', parts: [counts, late, over] };
