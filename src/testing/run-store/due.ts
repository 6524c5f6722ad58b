import { eventually, rounds } from '../eventually.ts';
import { message } from './messages.ts';
import {
  type RunStoreCase,
  bytes,
  claimed,
  claiming,
  commit,
  committed,
  created,
  creation,
  dueOf,
  event,
  everything,
  farMs,
  held,
  interruption,
  loaded,
  type RunStoreTest,
  type RunStoreTheme,
  storeTime,
  parking,
} from './opened.ts';

/** Far enough away not to come by itself during a test, near enough to be asked for. */
const soonMs = 20_000;
const aheadMs = 30_000;

/** Looks six times: each time half of the time it has waited must go by before the next look, however slow the looks are. */
async function expectRarer(
  { store, advance, expect }: RunStoreCase,
  {
    run,
    since,
    resendMs,
  }: { readonly run: string; readonly since: number; readonly resendMs: number },
): Promise<void> {
  const looks: { readonly before: number; readonly after: number }[] = [];
  for (const _ of rounds('looking')) {
    const before = await storeTime(store);
    if (await dueOf(store, run, { resendMs })) {
      looks.push({ before, after: await storeTime(store) });
    }
    if (looks.length === 6) break;
    await advance(5);
  }
  for (const [i, { after }] of looks.slice(1).entries()) {
    const { before = Infinity } = looks[i] ?? {};
    const pause = Math.max(resendMs, Math.floor((before - since) / 2));
    expect(after).toBeGreaterThanOrEqual(before + pause);
  }
}

function postponed(test: RunStoreTest): void {
  test('a due run is returned and postponed by resendMs, again and again', async (opened) => {
    const { store, expect } = opened;
    const resendMs = 60;
    const run = await created(store, { resendMs: 0 });
    let earliest = 0;
    for (let i = 0; i < 3; i++) {
      const asked = await eventually(opened, 'the run is due', async () => {
        const before = await storeTime(store);
        const due = await dueOf(store, run, { resendMs });
        if (due !== undefined) expect(due).toMatchObject({ run, status: 'queued', fence: 0 });
        return due && before;
      });
      expect(await storeTime(store)).toBeGreaterThanOrEqual(earliest);
      earliest = asked + resendMs;
    }
  });

  test('the longer a run waits, the rarer it is due', async (opened) => {
    const resendMs = 20;
    const { record } = await opened.store.create(creation({ resendMs: 0 }));
    await expectRarer(opened, { run: record.id, since: record.createdAt, resendMs });
  });

  test('being due changes nothing about the run', async ({ store, expect }) => {
    const run = await created(store, { resendMs: 0 });
    const before = await everything(store, run);
    expect((await dueOf(store, run))?.run).toBe(run);
    expect(await everything(store, run)).toEqual(before);
  });
}

function untilTaken(test: RunStoreTest): void {
  test('at most limit runs are returned, and all of them by repeating it', async (opened) => {
    const { store, expect } = opened;
    const runs = new Set<string>();
    for (let i = 0; i < 7; i++) runs.add(await created(store, { resendMs: 0 }));
    for (const _ of rounds('asking for what is due')) {
      const page = await store.fleet.due({ limit: 3, resendMs: farMs });
      expect(page.length).toBeLessThanOrEqual(3);
      for (const { run } of page) runs.delete(run);
      if (page.length < 3) break;
    }
    expect([...runs]).toEqual([]);
  });

  test('a run that is claimed or deleted is due no more', async ({ store, expect }) => {
    const taken = await created(store, { resendMs: 0 });
    const deleted = await created(store, { resendMs: 0 });
    await claimed(store, taken);
    await store.delete(deleted);
    expect(await dueOf(store, taken)).toBe(undefined);
    expect(await dueOf(store, deleted)).toBe(undefined);
  });

  test('an ended run is due until it is deleted', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const release = { status: 'completed', output: bytes('output'), keepMs: 0 } as const;
    await committed(store, ownership, { release });
    for (let i = 0; i < 2; i++) {
      const due = await eventually(opened, 'due', () => dueOf(store, id, { resendMs: 10 }));
      expect(due).toMatchObject({ run: id, status: 'completed' });
    }
    await store.delete(id);
    await opened.advance(30);
    expect(await dueOf(store, id)).toBe(undefined);
  });
}

function ahead(test: RunStoreTest): void {
  test('queued and interrupted runs that will soon be due can be asked for ahead', async (opened) => {
    const { store, expect } = opened;
    const queued = await created(store, { resendMs: soonMs });
    const lost = await held(store);
    await store.fleet.interrupt(interruption(lost.worker, { resendMs: soonMs }));
    expect(await dueOf(store, queued)).toBe(undefined);
    expect(await dueOf(store, lost.id)).toBe(undefined);
    const found = await store.fleet.due({ limit: 500, resendMs: farMs, aheadMs });
    const statuses = new Map(found.map((due) => [due.run, due.status]));
    expect(statuses.get(queued)).toBe('queued');
    expect(statuses.get(lost.id)).toBe('interrupted');
  });

  test('a run returned ahead of its time is postponed as any other', async ({ store, expect }) => {
    const run = await created(store, { resendMs: soonMs });
    expect(await dueOf(store, run, { aheadMs })).toMatchObject({ run });
    expect(await dueOf(store, run, { aheadMs })).toBe(undefined);
  });

  test('a run that is due later than that is left alone', async ({ store, expect }) => {
    const run = await created(store, { resendMs: aheadMs + soonMs });
    expect(await dueOf(store, run, { aheadMs })).toBe(undefined);
  });

  test('timers and ended runs are not hurried', async (opened) => {
    const { store, expect } = opened;
    for (const release of [
      parking({ wakeMs: 60 }),
      { status: 'completed', output: bytes('output'), keepMs: 60 },
    ] as const) {
      const { id, ownership } = await held(store);
      expect((await store.commit(commit(ownership, { release }))).outcome).toBe('committed');
      const { changedAt } = (await loaded(store, id)).record;
      expect(await dueOf(store, id, { aheadMs })).toBe(undefined);
      // Nor were they put off: they come when they would have come.
      const due = await eventually(opened, 'due', () => dueOf(store, id));
      expect(due.status).toBe(release.status);
      expect(await storeTime(store)).toBeGreaterThanOrEqual(changedAt + 60);
    }
  });

  test('timers do not hide the runs behind them from being asked for ahead', async (opened) => {
    const { store, expect } = opened;
    for (let i = 0; i < 6; i++) {
      const { ownership } = await held(store);
      const release = parking({ wakeMs: soonMs - 1000 });
      await committed(store, ownership, { events: [event('parked')], release });
    }
    const run = await created(store, { resendMs: soonMs });
    expect(await dueOf(store, run, { aheadMs, limit: 3 })).toMatchObject({ run, status: 'queued' });
  });
}

const forKid = { kind: 'child', name: 'child:kid', on: ['kid'], since: 1 } as const;

function asleep(test: RunStoreTest): void {
  test('a waiting run is due now and then to be looked at, and sleeps on', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const release = parking({ waits: [forKid], pollMs: 40 });
    await committed(store, ownership, { release });
    const { changedAt } = (await loaded(store, id)).record;
    for (let i = 0; i < 2; i++) {
      const due = await eventually(opened, 'due', () => dueOf(store, id, { resendMs: 20 }));
      expect(due).toMatchObject({ status: 'waiting', asleep: true });
      expect(await storeTime(store)).toBeGreaterThanOrEqual(changedAt + 40);
      expect(await store.claim(claiming(id))).toEqual({
        outcome: 'notClaimable',
        status: 'waiting',
      });
    }
    await store.post(message(id, { kind: 'child', name: 'kid' }));
    expect(await dueOf(store, id)).toMatchObject({ run: id, asleep: false });
  });

  test('the longer it waits, the rarer it is looked at', async (opened) => {
    const { store } = opened;
    const { id, ownership } = await held(store);
    await committed(store, ownership, { release: parking({ waits: [forKid], pollMs: 1 }) });
    const { changedAt } = (await loaded(store, id)).record;
    await expectRarer(opened, { run: id, since: changedAt, resendMs: 10 });
  });

  test('looking at it does not put off the time at which it wakes', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const release = parking({ waits: [forKid], pollMs: 20, wakeMs: 150 });
    await committed(store, ownership, { release });
    const { wakeAt = Infinity } = (await loaded(store, id)).record;
    const look = () => dueOf(store, id, { resendMs: farMs });
    const first = await eventually(opened, 'looked at', look);
    expect(first).toMatchObject({ asleep: true });
    const second = await eventually(opened, 'awake', look);
    expect(second).toMatchObject({ asleep: false });
    expect(await storeTime(store)).toBeGreaterThanOrEqual(wakeAt);
    await claimed(store, id);
  });

  test('a run that was paused is looked at again when it is resumed', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await committed(store, ownership, { release: parking({ waits: [forKid], pollMs: 20 }) });
    await store.pause(id, bytes('why'));
    await opened.advance(40);
    expect(await dueOf(store, id)).toBe(undefined);
    await store.resume(id, bytes('go'));
    const due = await eventually(opened, 'due', () => dueOf(store, id));
    expect(due).toMatchObject({ status: 'waiting', asleep: true });
  });
}

export const dueTheme: RunStoreTheme = {
  name: 'due',
  parts: [postponed, untilTaken, ahead, asleep],
};
