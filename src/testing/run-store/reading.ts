import { fixedLimits } from '../../core/limits.ts';
import type { Release } from '../../core/release.ts';
import type { EndRecord } from '../../core/run.ts';
import type { Ownership, RunStore } from '../../core/store.ts';
import { eventually, rounds } from '../eventually.ts';
import {
  bytes,
  claimed,
  committed,
  created,
  event,
  everything,
  farMs,
  held,
  interruption,
  loaded,
  newId,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
  parking,
} from './opened.ts';

/** Appends numbered events, a few hundred at a time. */
async function appendMany(store: RunStore, owner: Ownership, count: number): Promise<void> {
  const size = fixedLimits.eventsPerCommit;
  for (let done = 0; done < count; done += size) {
    const length = Math.min(size, count - done);
    const events = Array.from({ length }, (_, i) => event(`event-${done + i + 3}`));
    await committed(store, owner, { expectedSeq: done + 2, events });
  }
}

function records(test: RunStoreTest): void {
  test('what is not there is not found', async ({ store, expect }) => {
    const run = newId('run');
    expect(await store.record(run)).toBe(undefined);
    expect(await store.load(run)).toBe(undefined);
    expect(await store.events({ run, after: 0, limit: 10 })).toEqual([]);
  });

  test('reading changes nothing', async ({ store, advance, expect }) => {
    const { id } = await held(store);
    const before = await everything(store, id);
    await advance(5);
    await store.record(id);
    await store.load(id);
    await store.lists.runs({ limit: 10 });
    await store.fleet.holders();
    await store.fleet.workers();
    expect(await everything(store, id)).toEqual(before);
  });

  test('what is read is a copy: changing it changes nothing', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const snapshot = { schema: 1, set: new Map([['state:a', bytes('1')]]), remove: [] };
    await committed(store, ownership, { snapshot });
    const before = await everything(store, id);
    const found = await loaded(store, id);
    found.record.input.fill(0);
    found.snapshot?.fields.get('state:a')?.fill(0);
    for (const { data } of await store.events({ run: id, after: 0, limit: 10 })) data.fill(0);
    expect(await everything(store, id)).toEqual(before);
  });

  test('load returns the snapshot and only the events after it', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const snapshot = { schema: 1, set: new Map([['state:a', bytes('1')]]), remove: [] };
    await committed(store, ownership, { events: [event('folded')], snapshot });
    await committed(store, ownership, { expectedSeq: 3, events: [event('a'), event('b')] });
    const found = await loaded(store, id);
    expect(found.snapshot?.seq).toBe(3);
    expect(found.events.map(({ seq, type }) => [seq, type])).toEqual([
      [4, 'a'],
      [5, 'b'],
    ]);
    expect(plain(found.record)).toEqual(plain(await store.record(id)));
  });
}

function pages(test: RunStoreTest): void {
  test('events are read from any place, in pages of any size', async ({ store, expect }) => {
    const { id: run, ownership } = await held(store);
    await appendMany(store, ownership, 8);
    const read = async (after: number, limit: number): Promise<number[]> =>
      (await store.events({ run, after, limit })).map(({ seq }) => seq);
    expect(await read(0, 100)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await read(0, 1)).toEqual([1]);
    expect(await read(4, 3)).toEqual([5, 6, 7]);
    expect(await read(9, 3)).toEqual([10]);
    expect(await read(10, 3)).toEqual([]);
    expect(await read(1000, 3)).toEqual([]);
  });

  test('a long log comes in pages: load and claim return the first', async ({ store, expect }) => {
    const { id: run, ownership } = await held(store);
    await appendMany(store, ownership, 600);
    const first = await loaded(store, run);
    expect(first.record.seq).toBe(602);
    expect(first.events.length).toBe(fixedLimits.eventsPerLoad);
    const read = [...first.events];
    for (const _ of rounds('reading')) {
      const after = read.at(-1)?.seq ?? 0;
      if (after >= first.record.seq) break;
      read.push(...(await store.events({ run, after, limit: fixedLimits.eventsPerPage })));
    }
    expect(read.map(({ seq }) => seq)).toEqual(Array.from({ length: 602 }, (_, i) => i + 1));
    expect(read.slice(2).every(({ seq, type }) => type === `event-${seq}`)).toBe(true);

    const release = { status: 'queued', resendMs: farMs } as const;
    await committed(store, ownership, { expectedSeq: 602, release });
    const next = await claimed(store, run);
    expect(next.record.seq).toBe(603);
    expect(plain(next.events)).toEqual(plain(first.events));
  });
}

function watching(test: RunStoreTest): void {
  test('a watcher is called after every kind of change', async (opened) => {
    const { store, expect } = opened;
    const id = await created(store);
    let calls = 0;
    const stop = await store.observation.watch(id, () => {
      calls += 1;
    });
    const after = async <T>(what: string, change: () => Promise<T>): Promise<T> => {
      const before = calls;
      const result = await change();
      await eventually(opened, `called after ${what}`, () => calls > before || undefined);
      return result;
    };
    const { ownership, record } = await after('a claim', () => claimed(store, id));
    const events = [event('one')];
    await after('an append', () => committed(store, ownership, { events }));
    const snapshot = { schema: 1, set: new Map<string, Uint8Array>(), remove: [] };
    const more = { expectedSeq: 3, events, snapshot };
    await after('a snapshot', () => committed(store, ownership, more));
    await after('an interrupt', () => store.fleet.interrupt(interruption(record.worker ?? '')));
    const next = await after('a takeover', () => claimed(store, id));
    const release = parking();
    const params = { expectedSeq: next.record.seq, release };
    await after('a release', () => committed(store, next.ownership, params));
    await after('its deletion', () => store.delete(id));
    await stop();
    expect(calls).toBeGreaterThanOrEqual(7);
  });

  test('a watcher is not called any more once it has stopped', async (opened) => {
    const { store, advance, expect } = opened;
    const { id, ownership } = await held(store);
    let calls = 0;
    const stop = await store.observation.watch(id, () => {
      calls += 1;
    });
    await stop();
    const before = calls;
    await committed(store, ownership, { events: [event('one')] });
    await advance(30);
    expect(calls).toBe(before);
    await stop();
  });
}

function whatWatchersHear(test: RunStoreTest): void {
  test('what a watcher is told of a change is never less than has changed', async (opened) => {
    const { store, expect } = opened;
    const id = await created(store);
    let heard: (string | undefined)[] = [];
    const stop = await store.observation.watch(id, (only) => heard.push(only));
    const hears = async (change: () => Promise<unknown>): Promise<(string | undefined)[]> => {
      heard = [];
      await change();
      await eventually(opened, 'the change is heard', () => heard.length > 0 || undefined);
      return heard;
    };
    // Its status is another, so it is more than the log.
    expect(await hears(() => claimed(store, id))).not.toContain('log');
    const { record } = await loaded(store, id);
    await store.fleet.interrupt(interruption(record.worker ?? ''));
    const { ownership } = await claimed(store, id);
    const waits = { expectedSeq: 4, release: parking({ wakeMs: 0 }) } as const;
    expect(await hears(() => committed(store, ownership, waits))).not.toContain('log');
    const again = await claimed(store, id);
    // Its end is neither a change of the log alone nor one that leaves it open.
    const output = new Uint8Array([1]);
    const release = { status: 'completed', output, keepMs: farMs } as const;
    const ends = { expectedSeq: again.record.seq, release };
    await hears(() => committed(store, again.ownership, ends));
    const isTold = (): true | undefined => (heard.includes(undefined) ? true : undefined);
    await eventually(opened, 'the end is told as what it is', isTold);
    await stop();
  });

  test('an end that a watcher is told is the one that the record has', async (opened) => {
    const { store, expect } = opened;
    const releases: Release[] = [
      { status: 'completed', output: new Uint8Array([1, 10, 0, 255]), keepMs: farMs },
      { status: 'completed', output: new Uint8Array(5_000).fill(7), keepMs: farMs },
      { status: 'failed', error: new Uint8Array([2, 10, 200]), keepMs: farMs },
      { status: 'cancelled', error: new Uint8Array([3]), keepMs: farMs },
    ];
    for (const release of releases) {
      const { id, ownership } = await held(store);
      let told: EndRecord | undefined;
      let calls = 0;
      const stop = await store.observation.watch(id, (_only, end) => {
        calls += 1;
        told ??= end;
      });
      await committed(store, ownership, { release });
      await eventually(opened, 'the end is heard', () => calls > 0 || undefined);
      const { status, output, error } = (await loaded(store, id)).record;
      expect(await store.observation.status(id)).toBe(status);
      if (told !== undefined) expect(plain(told)).toEqual(plain({ status, output, error }));
      await stop();
    }
    expect(await store.observation.status('nobody')).toBe(undefined);
  });
}

function watchers(test: RunStoreTest): void {
  test('watchers of one run do not disturb each other', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const calls = { both: 0, second: 0 };
    const both = (): void => {
      calls.both += 1;
    };
    const stops = [
      await store.observation.watch(id, both),
      await store.observation.watch(id, both),
    ];
    const stopSecond = await store.observation.watch(id, () => {
      calls.second += 1;
    });
    await committed(store, ownership, { events: [event('one')] });
    await eventually(
      opened,
      'all are called',
      () => (calls.both >= 2 && calls.second >= 1) || undefined,
    );
    for (const stop of stops) await stop();
    const before = { ...calls };
    await committed(store, ownership, { expectedSeq: 3, events: [event('two')] });
    await eventually(
      opened,
      'the other is called',
      () => calls.second > before.second || undefined,
    );
    expect(calls.both).toBe(before.both);
    await stopSecond();
  });

  test('a watcher can come back after all have stopped', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    let calls = 0;
    for (let seq = 2; seq < 5; seq++) {
      const stop = await store.observation.watch(id, () => {
        calls += 1;
      });
      const before = calls;
      await committed(store, ownership, { expectedSeq: seq, events: [event('one')] });
      await eventually(opened, 'it is called', () => calls > before || undefined);
      await stop();
    }
    expect(calls).toBeGreaterThanOrEqual(3);
  });

  test('a watcher hears nothing of other runs', async (opened) => {
    const { store, expect } = opened;
    const [mine, other] = [await held(store), await held(store)];
    const calls = { mine: 0, other: 0 };
    const stops = [
      await store.observation.watch(mine.id, () => {
        calls.mine += 1;
      }),
      await store.observation.watch(other.id, () => {
        calls.other += 1;
      }),
    ];
    const before = calls.mine;
    await committed(store, other.ownership, { events: [event('one')] });
    await eventually(opened, 'the other is called', () => calls.other > 0 || undefined);
    expect(calls.mine).toBe(before);
    for (const stop of stops) await stop();
  });
}

export const readingTheme: RunStoreTheme = {
  name: 'reading',
  parts: [records, pages, watching, whatWatchersHear, watchers],
};
