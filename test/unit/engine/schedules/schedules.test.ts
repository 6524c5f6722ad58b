// Goal: schedules as their users see them. Method: a pawl in memory, whose months take milliseconds.
import { describe, expect, test } from 'vitest';
import { defineWorkflow, type Pawl, type ScheduleOptions } from 'pawl';
import { ManualClock, openInMemory } from 'pawl/testing';
import { z } from 'zod';

const report = defineWorkflow({
  name: 'report',
  version: 4,
  input: z.object({ cents: z.number().transform((euros) => euros * 100) }),
  run: (_ctx, { cents }) => cents,
});
const slow = defineWorkflow({ name: 'slow', run: async (ctx) => ctx.sleep('90m') });
const stubborn = defineWorkflow({
  name: 'stubborn',
  signals: { go: z.unknown() },
  run: async (ctx) => ctx.waitFor('go'),
});

async function timesOf(pawl: Pawl, schedule: string): Promise<string[]> {
  const { runs } = await pawl.list({ tag: { key: 'schedule', value: schedule }, limit: 500 });
  const times = runs.map(({ id }) => Number(id.slice(schedule.length + 1)));
  return times.sort((a, b) => a - b).map((at) => new Date(at).toISOString().slice(5, 16));
}

test.each([
  ['Europe/Berlin', '2027-03-26T12:00Z', ['03-27T01:30', '03-28T01:30', '03-29T00:30']],
  ['Europe/Berlin', '2027-10-29T12:00Z', ['10-30T00:30', '10-31T00:30', '11-01T01:30']],
  ['America/New_York', '2027-03-12T12:00Z', ['03-13T07:30', '03-14T07:30', '03-15T06:30']],
  ['America/New_York', '2027-11-05T12:00Z', ['11-06T06:30', '11-07T07:30', '11-08T07:30']],
])(
  'a night’s run in %s from %s: one for each night, whatever the clocks do',
  async (zone, from, times) => {
    const clock = new ManualClock(new Date(from));
    await using pawl = openInMemory({ clock });
    pawl.worker({ workflows: [report] });
    const input = { cents: 12 };
    await pawl.schedule(report, input, { id: 'night', cron: '30 2 * * *', timeZone: zone });
    await clock.advance('3d');
    expect(await timesOf(pawl, 'night')).toEqual(times);
  },
);

test('every run gets the input as the schema made it once', async () => {
  const clock = new ManualClock();
  await using pawl = openInMemory({ clock });
  pawl.worker({ workflows: [report] });
  await pawl.schedule(report, { cents: 12 }, { id: 'hourly', every: '1h' });
  await clock.advance('5h');
  const { runs } = await pawl.list({ workflow: 'report' });
  expect(runs).toHaveLength(5);
  for (const { id } of runs) expect(await pawl.run(id).result()).toBe(1_200);
});

test('a run of 90 minutes every hour: with queue all of them, one after the other', async () => {
  const clock = new ManualClock();
  await using pawl = openInMemory({ clock });
  pawl.worker({ workflows: [slow] });
  await pawl.schedule(slow, undefined, { id: 'slow', every: '1h', overlap: 'queue' });
  await clock.advance('12h');
  const { runs } = await pawl.list({ workflow: 'slow' });
  const spans = runs.map((run) => [Number(run.createdAt), Number(run.changedAt)] as const);
  spans.sort((a, b) => a[0] - b[0]);
  expect(spans.length).toBeGreaterThanOrEqual(6);
  for (const [i, [from]] of spans.entries()) {
    const [, before = 0] = spans[i - 1] ?? [];
    expect(from).toBeGreaterThanOrEqual(before);
  }
  const [info] = await pawl.schedules(slow);
  expect(info?.timesSkipped).toBe(0);
});

test('cancel-previous leaves one at work at a time, and the newest', async () => {
  const clock = new ManualClock();
  await using pawl = openInMemory({ clock });
  pawl.worker({ workflows: [stubborn] });
  await pawl.schedule(stubborn, undefined, { id: 'd', every: '1h', overlap: 'cancel-previous' });
  await clock.advance('4h');
  await clock.advance('1m');
  const { runs } = await pawl.list({ workflow: 'stubborn' });
  expect(runs.map(({ status }) => status)).toEqual([
    'waiting',
    'cancelled',
    'cancelled',
    'cancelled',
  ]);
});

test('times that pass while no worker lives are missed', async () => {
  const clock = new ManualClock(Date.UTC(2030, 0, 1, 0, 30));
  await using pawl = openInMemory({ clock });
  const input = { cents: 1 };
  for (const missed of ['skip', 'latest', 'all'] as const) {
    await pawl.schedule(report, input, { id: missed, every: '1h', missed });
  }
  await pawl.schedule(report, input, { id: 'default', every: '1h' });
  await clock.advance('5h');
  pawl.worker({ workflows: [report] });
  await clock.advance('1h');
  const hours = async (id: string): Promise<string> =>
    (await timesOf(pawl, id)).map((time) => time.slice(6, 8)).join(' ');
  expect(await hours('skip')).toBe('06');
  expect(await hours('latest')).toBe('05 06');
  expect(await hours('default')).toBe('05 06');
  expect(await hours('all')).toBe('01 02 03 04 05 06');
  const missed = (await pawl.schedules()).map(({ id, timesMissed }) => [id, timesMissed]);
  expect(Object.fromEntries(missed)).toEqual({ all: 0, default: 4, latest: 4, skip: 5 });
});

test('a deploy that saves the schedule again neither moves nor loses its times', async () => {
  const clock = new ManualClock(Date.UTC(2030, 0, 1, 0, 30));
  await using pawl = openInMemory({ clock });
  const save = (): Promise<void> =>
    pawl.schedule(report, { cents: 1 }, { id: 's', every: '1h', missed: 'all' });
  await save();
  await clock.advance('2h');
  await save();
  pawl.worker({ workflows: [report] });
  for (let i = 0; i < 6; i++) {
    await clock.advance('25m');
    await save();
  }
  expect((await timesOf(pawl, 's')).map((time) => time.slice(6, 8))).toEqual([
    '01',
    '02',
    '03',
    '04',
    '05',
  ]);
});

test('a list tells when a schedule is due, how it is to be kept, and what it has left out', async () => {
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  await using pawl = openInMemory({ clock });
  await pawl.schedule(report, { cents: 1 }, { id: 'b', every: '1h' });
  const when = {
    cron: '0 3 * * *',
    timeZone: 'Asia/Tokyo',
    missed: 'all',
    overlap: 'skip',
  } as const;
  await pawl.schedule(slow, undefined, { id: 'a', ...when });
  const begun = { paused: false, waiting: [], lastRun: undefined, timesMissed: 0, timesSkipped: 0 };
  const b = {
    id: 'b',
    workflow: 'report',
    codeVersion: 4,
    cron: undefined,
    timeZone: undefined,
    everyMs: 3_600_000,
    missed: 'latest',
    overlap: 'allow',
    ...begun,
    nextAt: Date.UTC(2030, 0, 1, 1),
  };
  expect(await pawl.schedules(report)).toEqual([b]);
  const a = { id: 'a', workflow: 'slow', codeVersion: 1, everyMs: undefined, ...when, ...begun };
  expect(await pawl.schedules()).toEqual([{ ...a, nextAt: Date.UTC(2030, 0, 1, 18) }, b]);
  expect(await pawl.unschedule(report, 'a')).toBe(false);
  expect(await pawl.unschedule(slow, 'a')).toBe(true);
  expect(await pawl.schedules()).toEqual([b]);
});

describe('is refused, and nothing is left behind', () => {
  test.each<readonly [string, object, string]>([
    ['neither cron nor every', {}, 'schedule'],
    ['both', { cron: '* * * * *', every: 1 }, 'schedule'],
    ['words', { cron: 'every day' }, 'cron'],
    ['five words', { cron: 'a b c d e' }, 'cron'],
    ['an empty text', { cron: '' }, 'cron'],
    ['blanks', { cron: '  ' }, 'cron'],
    ['one field', { cron: '5' }, 'cron'],
    ['seven fields', { cron: '* * * * * * *' }, 'cron'],
    ['minute 61', { cron: '61 * * * *' }, 'cron'],
    ['the 31st of February', { cron: '0 0 31 2 *' }, 'cron'],
    ['31 April or June', { cron: '0 0 31 4,6 *' }, 'cron'],
    ['an alias that is none', { cron: '@often' }, 'cron'],
    ['a zone that is none', { cron: '* * * * *', timeZone: 'Mars/Phobos' }, 'timeZone'],
    ['an empty zone', { cron: '* * * * *', timeZone: '' }, 'timeZone'],
    ['a zone without a pattern', { every: '1h', timeZone: 'UTC' }, 'timeZone'],
    ['every nothing', { every: 0 }, 'every'],
    ['every less than nothing', { every: -5 }, 'schedule options.every'],
    ['every less than a millisecond', { every: 0.2 }, 'every'],
    ['every not a number', { every: Number.NaN }, 'schedule options.every'],
    ['every word', { every: 'often' }, 'schedule options.every'],
    ['every for ever', { every: 1e300 }, 'schedule options.every'],
    ['a pattern that is no text', { cron: 5 }, 'schedule options.cron'],
    ['an option that is none', { every: 1, timezone: 'UTC' }, 'schedule options.timezone'],
    ['a policy that is none', { every: 1, missed: 'some' }, 'schedule options.missed'],
    ['an overlap that is none', { every: 1, overlap: 'no' }, 'schedule options.overlap'],
    ['a bad id', { every: 1, id: 'a b' }, 'schedule id'],
    ['a long id', { every: 1, id: 'x'.repeat(101) }, 'schedule id'],
    ['no id', { every: 1, id: undefined }, 'schedule id'],
  ])('%s', async (_what, when, field) => {
    await using pawl = openInMemory();
    const options = { id: 's', ...when } as ScheduleOptions;
    const refused = pawl.schedule(report, { cents: 1 }, options);
    await expect(refused).rejects.toMatchObject({ code: 'PAWL_INVALID', field });
    expect(await pawl.schedules()).toEqual([]);
  });

  test('an input that does not fit', async () => {
    await using pawl = openInMemory();
    const input = { cents: 'twelve' } as unknown as { cents: number };
    const refused = pawl.schedule(report, input, { id: 's', every: '1h' });
    await expect(refused).rejects.toMatchObject({ code: 'PAWL_INVALID', field: 'input.cents' });
    expect(await pawl.schedules()).toEqual([]);
  });

  test('the id of another workflow’s schedule, which stays as it was', async () => {
    await using pawl = openInMemory();
    await pawl.schedule(slow, undefined, { id: 's', every: '1h' });
    const refused = pawl.schedule(report, { cents: 1 }, { id: 's', every: '2h' });
    await expect(refused).rejects.toMatchObject({ code: 'PAWL_INVALID', field: 'schedule id' });
    expect(await pawl.schedules()).toMatchObject([{ workflow: 'slow', everyMs: 3_600_000 }]);
  });

  test('anything on a closed pawl, as PAWL_CLOSED', async () => {
    const pawl = openInMemory();
    await pawl.close();
    const code = 'PAWL_CLOSED';
    const when = { id: 's', every: '1h' } as const;
    await expect(pawl.schedule(report, { cents: 1 }, when)).rejects.toMatchObject({ code });
    await expect(pawl.unschedule(report, 's')).rejects.toMatchObject({ code });
    await expect(pawl.schedules()).rejects.toMatchObject({ code });
  });
});
