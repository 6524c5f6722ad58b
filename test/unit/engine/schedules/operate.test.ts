// Goal: a person holds a schedule back, lets it go on, and starts a run of it by hand; no time is started twice or later
// because of it. Method: a pawl in memory, whose hours take milliseconds.
import { expect, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { ManualClock, openInMemory } from 'pawl/testing';
import { z } from 'zod';

const report = defineWorkflow({
  name: 'report',
  input: z.object({ cents: z.number().transform((euros) => euros * 100) }),
  run: (_ctx, { cents }) => cents,
});

interface Line {
  readonly text: string;
  readonly of: object;
}

function opened(): { clock: ManualClock; pawl: Pawl; said: Line[] } {
  const said: Line[] = [];
  const tell = (of: object, text: string): void => void said.push({ of, text });
  const logger = { debug: () => undefined, info: tell, warn: tell, error: tell };
  const clock = new ManualClock(new Date('2027-01-01T00:30Z'));
  return { clock, said, pawl: openInMemory({ clock, logger }) };
}

async function idsOf(pawl: Pawl): Promise<string[]> {
  return (await pawl.list({ workflow: 'report' })).runs.map(({ id }) => id).toReversed();
}

const hourly = { id: 'hourly', every: '1h', missed: 'all' } as const;
const at = (clock: string): string => `hourly.${Date.parse(`2027-01-01T${clock}Z`)}`;

test('a paused schedule starts nothing, also saved again; times of the pause are not started later', async () => {
  const { clock, pawl: made, said } = opened();
  await using pawl = made;
  pawl.worker({ workflows: [report] });
  await pawl.schedule(report, { cents: 1 }, hourly);
  await clock.advance('1h');
  const request = { actor: 'kim', reason: 'ticket 7' };
  expect(await pawl.scheduled.pause(report, 'hourly', request)).toBe(true);
  expect(await pawl.schedules(report)).toMatchObject([{ id: 'hourly', paused: true }]);
  await clock.advance('2h');
  await pawl.schedule(report, { cents: 1 }, hourly);
  await clock.advance('1h');
  expect(await idsOf(pawl)).toEqual([at('01:00')]);
  expect(await pawl.scheduled.resume(report, 'hourly', request)).toBe(true);
  expect(await pawl.schedules(report)).toMatchObject([
    { paused: false, nextAt: Date.parse('2027-01-01T05:00Z'), timesMissed: 0 },
  ]);
  await clock.advance('1h');
  expect(await idsOf(pawl)).toEqual([at('01:00'), at('05:00')]);
  // One that goes on already keeps its next time.
  expect(await pawl.scheduled.resume(report, 'hourly')).toBe(true);
  await clock.advance('1h');
  expect((await idsOf(pawl)).at(-1)).toBe(at('06:00'));
  const lines = said.filter(({ text }) => text.startsWith('schedule '));
  expect(lines.slice(0, 2)).toEqual([
    { text: 'schedule paused', of: { ...request, schedule: 'hourly', workflow: 'report' } },
    { text: 'schedule resumed', of: { ...request, schedule: 'hourly', workflow: 'report' } },
  ]);
});

test('a run by hand has the input of the schedule, also of a paused one, and moves no time', async () => {
  const { clock, pawl: made, said } = opened();
  await using pawl = made;
  pawl.worker({ workflows: [report] });
  await pawl.schedule(report, { cents: 7 }, { ...hourly, overlap: 'skip' });
  await pawl.scheduled.pause(report, 'hourly');
  const id = await pawl.scheduled.trigger(report, 'hourly', { actor: 'kim' });
  expect(id).toBe(`hourly.now.${Date.parse('2027-01-01T00:30Z')}`);
  expect(await pawl.run(id ?? '').result()).toBe(700);
  expect((await pawl.run(id ?? '').info()).tags).toEqual({ schedule: 'hourly' });
  await pawl.scheduled.resume(report, 'hourly');
  await clock.advance('1h');
  expect(await idsOf(pawl)).toEqual([id, at('01:00')]);
  expect(said.find(({ text }) => text === 'schedule triggered')?.of).toMatchObject({
    actor: 'kim',
    run: id,
  });
});

test('of a schedule that is not there nothing is done', async () => {
  await using pawl = opened().pawl;
  await pawl.schedule(report, { cents: 1 }, hourly);
  const { scheduled } = pawl;
  for (const [of, id] of [
    [report, 'nobody'],
    [{ name: 'other' }, 'hourly'],
  ] as const) {
    expect(await scheduled.pause(of, id)).toBe(false);
    expect(await scheduled.resume(of, id)).toBe(false);
    expect(await scheduled.trigger(of, id)).toBe(undefined);
    expect(await scheduled.remove(of, id)).toBe(false);
  }
  await expect(scheduled.pause(report, '<b>')).rejects.toThrow(/schedule id/);
  expect(await idsOf(pawl)).toEqual([]);
  expect(await scheduled.remove(report, 'hourly')).toBe(true);
  expect(await pawl.schedules()).toEqual([]);
});
