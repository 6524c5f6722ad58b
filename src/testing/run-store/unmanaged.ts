import type { Claimed, RunStoreTest, RunStoreTheme } from './opened.ts';
import {
  bytes,
  claimed,
  claiming,
  commit,
  committed,
  created,
  dueOf,
  event,
  everything,
  everyWrite,
  farMs,
  held,
  interruption,
  newId,
} from './opened.ts';
import type { RunStore } from '../../core/store.ts';

/** An unmanaged run, claimed; nobody else's claim has come yet. */
async function claimUnmanaged(
  store: RunStore,
  run: string,
  worker = newId('worker'),
): Promise<Claimed> {
  return claimed(store, run, { unmanaged: true, worker });
}

function taking(test: RunStoreTest): void {
  test('an unmanaged claim takes the run from whoever has it', async ({ store, expect }) => {
    const run = await created(store, { unmanaged: true });
    const first = await claimUnmanaged(store, run);
    const second = await claimUnmanaged(store, run, 'the second');
    expect(second.ownership.fence).toBeGreaterThan(first.ownership.fence);
    expect(second.record).toMatchObject({ status: 'running', worker: 'the second', takeovers: 0 });
    expect(second.events.map(({ type }) => type)).toEqual([
      'run.created',
      'run.claimed',
      'run.claimed',
    ]);
    const before = await everything(store, run);
    for (const [what, params] of everyWrite()) {
      const refused = await store.commit(commit(first.ownership, params));
      const { fence } = second.ownership;
      expect(refused, what).toEqual({ outcome: 'fenced', fence, applied: false });
    }
    expect(await everything(store, run)).toEqual(before);
    expect(await committed(store, second.ownership, { expectedSeq: 3, events: [event('a')] })).toBe(
      4,
    );
  });

  test('the same unmanaged claim again is the same claim', async ({ store, expect }) => {
    const run = await created(store, { unmanaged: true });
    const params = claiming(run, { unmanaged: true });
    const first = await store.claim(params);
    const again = await store.claim(params);
    if (first.outcome !== 'claimed' || again.outcome !== 'claimed') throw new Error(again.outcome);
    expect(again.ownership).toEqual(first.ownership);
    expect(again.record.seq).toBe(2);
  });

  test('an unmanaged claim leaves other runs alone, and the other way round', async (opened) => {
    const { store, expect } = opened;
    const { id: busy } = await held(store);
    for (const [run, unmanaged] of [
      [busy, true],
      [await created(store), true],
      [await created(store, { unmanaged: true }), false],
    ] as const) {
      const before = await everything(store, run);
      expect((await store.claim(claiming(run, { unmanaged }))).outcome).toBe('notClaimable');
      expect(await everything(store, run)).toEqual(before);
    }
  });

  test('an unmanaged run that has ended is not claimed', async ({ store, expect }) => {
    const run = await created(store, { unmanaged: true });
    const { ownership } = await claimUnmanaged(store, run);
    const release = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;
    await committed(store, ownership, { release });
    const claim = await store.claim(claiming(run, { unmanaged: true }));
    expect(claim).toEqual({ outcome: 'notClaimable', status: 'completed' });
  });
}

function unattended(test: RunStoreTest): void {
  test('nobody looks after an unmanaged run: it is never due and in no worker’s hands', async (opened) => {
    const { store, advance, expect } = opened;
    const run = await created(store, { unmanaged: true, resendMs: 0 });
    const worker = newId('worker');
    const isDue = async (): Promise<boolean> => (await dueOf(store, run)) !== undefined;
    await advance(2);
    expect(await isDue()).toBe(false);
    const { ownership, record } = await claimUnmanaged(store, run, worker);
    expect(await store.fleet.holders()).not.toContain(worker);
    expect(await store.fleet.interrupt(interruption(worker))).toEqual([]);
    expect((await store.record(run))?.fence).toBe(record.fence);
    await committed(store, ownership, { release: { status: 'queued', resendMs: 0 } });
    await advance(2);
    expect(await isDue()).toBe(false);
    expect((await claimUnmanaged(store, run)).record.seq).toBe(3);
  });
}

function listed(test: RunStoreTest): void {
  test('unmanaged runs are listed by themselves, the last updated first', async (opened) => {
    const { store, advance, expect } = opened;
    const workflow = newId('w').slice(0, 30);
    const other = await created(store, { workflow });
    const [a, b, c] = [
      await created(store, { workflow, unmanaged: true }),
      await created(store, { workflow, unmanaged: true }),
      await created(store, { workflow, unmanaged: true }),
    ];
    const order = async (): Promise<string[]> => {
      const { runs } = await store.lists.runs({ workflow, unmanaged: true, limit: 10 });
      return runs.map(({ id }) => id);
    };
    await advance(3);
    const { ownership } = await claimUnmanaged(store, b);
    await advance(3);
    await claimUnmanaged(store, a);
    expect(await order()).toEqual([a, b, c]);
    expect(await order()).not.toContain(other);
    await advance(3);
    const snapshot = { schema: 0, set: new Map([['state:n', bytes('1')]]), remove: [] };
    await committed(store, ownership, { snapshot });
    expect(await order()).toEqual([b, a, c]);
    const page = await store.lists.runs({ workflow, unmanaged: true, limit: 1 });
    const next = await store.lists.runs({
      workflow,
      unmanaged: true,
      limit: 2,
      cursor: page.cursor ?? '',
    });
    expect(next.runs.map(({ id }) => id)).toEqual([a, c]);
    const running = await store.lists.runs({ workflow, status: 'running', limit: 10 });
    expect(running.runs.map(({ id }) => id).sort()).toEqual([a, b].sort());
    await store.delete(c);
    expect(await order()).toEqual([b, a]);
  });
}

export const unmanagedTheme: RunStoreTheme = {
  name: 'unmanaged',
  parts: [taking, unattended, listed],
};
