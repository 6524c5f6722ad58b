import type { Schedule, Standing, StoredSchedule } from '../../core/schedules.ts';
import type { RunStore } from '../../core/store.ts';
import { eventually } from '../eventually.ts';
import { everyByte, farMs, hex, newId, type RunStoreTest, type RunStoreTheme } from './opened.ts';

function scheduleOf(params: Partial<Schedule> = {}): Schedule {
  return {
    id: newId('schedule'),
    workflow: newId('workflow'),
    codeVersion: 3,
    input: everyByte,
    cron: undefined,
    timeZone: undefined,
    everyMs: 6e4,
    missed: 'latest',
    overlap: 'allow',
    ...params,
  };
}

/** Saves a schedule whose first time is so far from now. */
async function saved(
  store: RunStore,
  inMs: number,
  params: Partial<Schedule> = {},
): Promise<{ readonly schedule: Schedule; readonly nextAt: number }> {
  const schedule = scheduleOf(params);
  const nextAt = (await store.observation.now()) + inMs;
  const outcome = await store.schedules.save(schedule, nextAt);
  if (outcome.outcome !== 'saved') throw new Error(`save returned ${outcome.outcome}`);
  return { schedule, nextAt };
}

/** What `due` says of one schedule, whatever else is due. */
async function dueOf(store: RunStore, id: string): Promise<StoredSchedule | undefined> {
  const { schedules } = await store.schedules.due(1_000);
  return schedules.find((schedule) => schedule.id === id);
}

async function dueNow(store: RunStore, id: string): Promise<StoredSchedule> {
  const found = await dueOf(store, id);
  if (found === undefined) throw new Error(`schedule ${id} is not due`);
  return found;
}

const standing = (nextAt: number): Standing => ({
  nextAt,
  waiting: [nextAt - 2, nextAt - 1],
  lastRun: 'run-1',
  timesMissed: 4,
  timesSkipped: 5,
});

function saving(test: RunStoreTest): void {
  test('a saved schedule is listed with its options, and due with its input', async (opened) => {
    const { store, expect } = opened;
    for (const timing of [
      { cron: '0 3 * * *', timeZone: 'Europe/Berlin', everyMs: undefined },
      { cron: undefined, timeZone: undefined, everyMs: 300 },
    ]) {
      const key = timing.cron === undefined ? undefined : 'acme';
      const options = { ...timing, missed: 'all', overlap: 'cancel-previous', key } as const;
      const { schedule, nextAt } = await saved(store, 0, options);
      const { input, ...shown } = schedule;
      const begun = {
        paused: false,
        waiting: [],
        lastRun: undefined,
        timesMissed: 0,
        timesSkipped: 0,
      };
      const [info] = await store.schedules.list(schedule.workflow);
      expect(info).toEqual({ ...shown, ...begun, nextAt });
      const due = await eventually(opened, 'due', () => dueOf(store, schedule.id));
      expect({ ...due, input: hex(due.input), version: 0 }).toEqual({
        ...shown,
        ...begun,
        nextAt,
        version: 0,
        input: hex(input),
      });
      await store.schedules.remove(schedule.workflow, schedule.id);
    }
  });

  test('lists are in the order of ids, of one workflow or of all', async ({ store, expect }) => {
    const workflow = newId('workflow');
    const own: string[] = [];
    for (let i = 0; i < 3; i++) own.push((await saved(store, farMs, { workflow })).schedule.id);
    const { schedule: other } = await saved(store, farMs);
    const ids = (await store.schedules.list(workflow)).map(({ id }) => id);
    expect(ids).toEqual([...own].sort());
    const all = (await store.schedules.list()).map(({ id }) => id);
    expect(all).toEqual([...all].sort());
    for (const id of [...own, other.id]) expect(all).toContain(id);
    expect(await store.schedules.list(newId('workflow'))).toEqual([]);
  });

  test('saving it again with the same timing keeps its standing', async ({ store, expect }) => {
    const timings = [
      { cron: '0 3 * * *', timeZone: 'UTC', everyMs: undefined },
      { cron: undefined, timeZone: undefined, everyMs: 300 },
    ];
    for (const timing of timings) {
      const { schedule, nextAt } = await saved(store, -1, timing);
      const due = await dueNow(store, schedule.id);
      await store.schedules.advance(due, standing(nextAt + 7), 0);
      const changed = {
        ...schedule,
        input: Uint8Array.of(7),
        missed: 'all',
        codeVersion: 4,
      } as const;
      await store.schedules.save(changed, nextAt + farMs);
      const now = await dueNow(store, schedule.id);
      expect(now).toMatchObject({ ...standing(nextAt + 7), missed: 'all', codeVersion: 4 });
      expect(hex(now.input)).toBe('07');
      await store.schedules.remove(schedule.workflow, schedule.id);
    }
  });

  test('another timing begins at its own first time', async ({ store, expect }) => {
    const cron = { cron: '0 3 * * *', timeZone: 'UTC', everyMs: undefined };
    const others = [
      { everyMs: 60_001 },
      cron,
      { ...cron, timeZone: 'Asia/Tokyo' },
      { ...cron, timeZone: 'Asia/Tokyo', cron: '0 4 * * *' },
    ];
    const { schedule, nextAt } = await saved(store, -1);
    await store.schedules.advance(await dueNow(store, schedule.id), standing(nextAt), 0);
    for (const [i, timing] of others.entries()) {
      await store.schedules.save({ ...schedule, ...timing }, nextAt + farMs + i);
      expect(await dueOf(store, schedule.id)).toBe(undefined);
      const [info] = await store.schedules.list(schedule.workflow);
      const kept = { lastRun: 'run-1', timesMissed: 4, timesSkipped: 5 };
      expect(info).toMatchObject({ ...timing, ...kept, waiting: [], nextAt: nextAt + farMs + i });
    }
  });

  test('an id belongs to one workflow', async ({ store, expect }) => {
    const { schedule, nextAt } = await saved(store, farMs);
    const other = { ...schedule, workflow: newId('workflow') };
    const { workflow } = schedule;
    expect(await store.schedules.save(other, nextAt)).toEqual({ outcome: 'taken', workflow });
    expect(await store.schedules.list(other.workflow)).toEqual([]);
    expect(await store.schedules.list(workflow)).toHaveLength(1);
  });
}

function removing(test: RunStoreTest): void {
  test('a removed schedule is gone, and its id is free', async ({ store, traces, expect }) => {
    const { schedule } = await saved(store, -1);
    const { id, workflow } = schedule;
    expect(await store.schedules.remove(newId('workflow'), id)).toBe(false);
    expect(await store.schedules.remove(workflow, id)).toBe(true);
    expect(await traces(id)).toEqual([]);
    expect(await store.schedules.remove(workflow, id)).toBe(false);
    expect(await dueOf(store, id)).toBe(undefined);
    expect(await store.schedules.list(workflow)).toEqual([]);
    const again = await saved(store, farMs, { id });
    expect(await store.schedules.list(again.schedule.workflow)).toHaveLength(1);
  });

  test('who has read it before it was made anew does not advance it', async (opened) => {
    const { store, expect } = opened;
    const { schedule, nextAt } = await saved(store, -1);
    const read = await dueNow(store, schedule.id);
    await store.schedules.remove(schedule.workflow, schedule.id);
    const gone = await store.schedules.advance(read, standing(nextAt + farMs));
    expect(gone).toEqual({ outcome: 'changed' });
    await store.schedules.save(schedule, nextAt);
    const late = await store.schedules.advance(read, standing(nextAt + farMs));
    expect(late).toEqual({ outcome: 'changed' });
    expect(await dueNow(store, schedule.id)).toMatchObject({ nextAt, lastRun: undefined });
  });
}

function looking(test: RunStoreTest): void {
  test('a schedule is due from its time on, again and again', async (opened) => {
    const { store, expect } = opened;
    const { schedule, nextAt } = await saved(store, 40);
    for (let i = 0; i < 2; i++) {
      await eventually(opened, 'due', () => dueOf(store, schedule.id));
      expect(await store.observation.now()).toBeGreaterThanOrEqual(nextAt);
    }
    const { now } = await store.schedules.due(1);
    expect(now).toBeGreaterThanOrEqual(nextAt);
    expect(now).toBeLessThanOrEqual(await store.observation.now());
  });

  test('at most limit schedules are returned, the longest due first', async (opened) => {
    const { store, expect } = opened;
    const ids: string[] = [];
    // Longer due than anything that another test has left.
    for (let i = 0; i < 4; i++) ids.push((await saved(store, i * 10 - 2 * farMs)).schedule.id);
    const some = async (limit: number): Promise<string[]> =>
      (await store.schedules.due(limit)).schedules.map(({ id }) => id);
    expect(await some(1)).toEqual(ids.slice(0, 1));
    expect(await some(3)).toEqual(ids.slice(0, 3));
    for (const { id, workflow } of await store.schedules.list()) {
      if (ids.includes(id)) await store.schedules.remove(workflow, id);
    }
  });

  test('one that is postponed is due again after that time', async (opened) => {
    const { store, expect } = opened;
    const { schedule, nextAt } = await saved(store, -1);
    const before = await store.observation.now();
    await store.schedules.postpone(schedule.id, 40);
    expect(await dueOf(store, schedule.id)).toBe(undefined);
    const due = await eventually(opened, 'due', () => dueOf(store, schedule.id));
    expect(due.nextAt).toBe(nextAt);
    expect(await store.observation.now()).toBeGreaterThanOrEqual(before + 40);
  });

  test('only what is due is postponed', async (opened) => {
    const { store, expect } = opened;
    const { schedule } = await saved(store, 40);
    await store.schedules.postpone(schedule.id, farMs);
    await eventually(opened, 'due', () => dueOf(store, schedule.id));
    const none = newId('schedule');
    await store.schedules.postpone(none, 1);
    await opened.advance(5);
    expect(await dueOf(store, none)).toBe(undefined);
  });
}

function advancing(test: RunStoreTest): void {
  test('an advanced schedule is due at its next time, with its standing', async (opened) => {
    const { store, expect } = opened;
    const { schedule } = await saved(store, -1);
    const read = await dueNow(store, schedule.id);
    const nextAt = (await store.observation.now()) + 40;
    const advanced = await store.schedules.advance(read, standing(nextAt));
    expect(advanced.outcome).toBe('advanced');
    expect(await dueOf(store, schedule.id)).toBe(undefined);
    const due = await eventually(opened, 'due', () => dueOf(store, schedule.id));
    expect(due).toMatchObject({ ...standing(nextAt), missed: 'latest', everyMs: 60_000 });
    expect({ outcome: 'advanced', version: due.version }).toEqual(advanced);
    expect(due.version).toBeGreaterThan(read.version);
    expect(hex(due.input)).toBe(hex(everyByte));
    const nothing = { waiting: [], lastRun: undefined, timesMissed: 0, timesSkipped: 0 };
    await store.schedules.advance(due, { ...nothing, nextAt });
    expect(await dueNow(store, schedule.id)).toMatchObject(nothing);
  });

  test('it can be looked at before its next time, or behind it', async (opened) => {
    const { store, expect } = opened;
    // Longer than a busy machine needs for two calls.
    const pauseMs = 250;
    const { schedule, nextAt } = await saved(store, -1);
    const before = await store.observation.now();
    await store.schedules.advance(
      await dueNow(store, schedule.id),
      standing(before + farMs),
      pauseMs,
    );
    expect(await dueOf(store, schedule.id)).toBe(undefined);
    const due = await eventually(opened, 'due', () => dueOf(store, schedule.id));
    expect(await store.observation.now()).toBeGreaterThanOrEqual(before + pauseMs);
    await store.schedules.advance(due, standing(nextAt), farMs);
    expect(await dueOf(store, schedule.id)).toBe(undefined);
  });

  test('of two who have read it, one advances it', async ({ store, expect }) => {
    const { schedule, nextAt } = await saved(store, -1);
    const read = await dueNow(store, schedule.id);
    const both = await Promise.all(
      [1, 2].map((i) => store.schedules.advance(read, standing(nextAt + i), 0)),
    );
    expect(both.map(({ outcome }) => outcome).sort()).toEqual(['advanced', 'changed']);
    const winner = both.findIndex(({ outcome }) => outcome === 'advanced') + 1;
    expect((await dueNow(store, schedule.id)).nextAt).toBe(nextAt + winner);
  });

  test('who has read it before it was saved again does not advance it', async (opened) => {
    const { store, expect } = opened;
    const { schedule, nextAt } = await saved(store, -1);
    const read = await dueNow(store, schedule.id);
    await store.schedules.save({ ...schedule, input: Uint8Array.of(1) }, nextAt);
    const late = await store.schedules.advance(read, standing(nextAt + farMs));
    expect(late).toEqual({ outcome: 'changed' });
    expect((await dueNow(store, schedule.id)).nextAt).toBe(nextAt);
  });
}

function holding(test: RunStoreTest): void {
  test('a schedule is read whole, by its workflow only', async ({ store, expect }) => {
    const { schedule, nextAt } = await saved(store, -1, { key: 'acme' });
    const { id, workflow } = schedule;
    const read = await store.schedules.read(workflow, id);
    expect(read).toEqual(await dueNow(store, id));
    expect(read).toMatchObject({ nextAt, key: 'acme', paused: false });
    expect(hex(read?.input ?? new Uint8Array())).toBe(hex(everyByte));
    expect(await store.schedules.read(newId('workflow'), id)).toBe(undefined);
    expect(await store.schedules.read(workflow, newId('schedule'))).toBe(undefined);
  });

  test('one that is paused is not due, and is listed', async ({ store, expect }) => {
    const { schedule, nextAt } = await saved(store, -1);
    const { id, workflow } = schedule;
    const before = await dueNow(store, id);
    expect(await store.schedules.hold(newId('workflow'), id, undefined)).toBe(false);
    expect(await store.schedules.hold(workflow, id, undefined)).toBe(true);
    expect(await dueOf(store, id)).toBe(undefined);
    const late = await store.schedules.advance(before, standing(nextAt), 0);
    expect(late).toEqual({ outcome: 'changed' });
    await store.schedules.postpone(id, 0);
    expect(await dueOf(store, id)).toBe(undefined);
    expect(await store.schedules.list(workflow)).toMatchObject([{ id, paused: true, nextAt }]);
    expect((await store.schedules.list()).map((one) => one.id)).toContain(id);
    expect(await store.schedules.hold(workflow, id, undefined)).toBe(true);
    await store.schedules.remove(workflow, id);
    expect(await store.schedules.hold(workflow, id, undefined)).toBe(false);
  });

  test('saved again it stays paused, with the same timing and with another one', async (opened) => {
    const { store, expect } = opened;
    const { schedule, nextAt } = await saved(store, -1);
    const { id, workflow } = schedule;
    await store.schedules.hold(workflow, id, undefined);
    for (const everyMs of [6e4, 7e4]) {
      await store.schedules.save({ ...schedule, everyMs }, nextAt);
      expect(await dueOf(store, id)).toBe(undefined);
      expect(await store.schedules.list(workflow)).toMatchObject([{ everyMs, paused: true }]);
    }
  });

  test('it goes on at a time of its own, and what waits is looked at', async (opened) => {
    const { store, expect } = opened;
    const { schedule, nextAt } = await saved(store, -1);
    const { id, workflow } = schedule;
    await store.schedules.advance(await dueNow(store, id), standing(nextAt), 0);
    await store.schedules.hold(workflow, id, undefined);
    const later = nextAt + farMs;
    expect(await store.schedules.hold(workflow, id, later)).toBe(true);
    const due = await eventually(opened, 'due', () => dueOf(store, id));
    expect(due).toMatchObject({ ...standing(nextAt), nextAt: later, paused: false });
    // One that goes on keeps its next time.
    expect(await store.schedules.hold(workflow, id, later + 1)).toBe(true);
    expect(await store.schedules.read(workflow, id)).toMatchObject({ nextAt: later });
  });
}

export const schedulesTheme: RunStoreTheme = {
  name: 'schedules',
  parts: [saving, removing, looking, advancing, holding],
};
