// Goal: one run for each time of a schedule, and never two. Method: real BullMQ schedulers and two workers.
import { expect, inject, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow } from 'pawl';
import { newPrefix, openPawl } from '../support/workers.ts';

const report = defineWorkflow({
  name: 'report',
  input: z.object({ day: z.date() }),
  run: (_ctx, { day }) => day.getTime(),
});

test('a schedule starts one run for each of its times, with its input', async () => {
  const url = inject('redisUrl');
  const prefix = newPrefix();
  await using one = await openPawl(url, prefix);
  await using two = await openPawl(url, prefix);
  one.worker({ workflows: [report] });
  two.worker({ workflows: [report] });
  const day = new Date(0);
  await one.schedule(report, { day }, { id: 'daily', every: '300ms' });
  await expect
    .poll(async () => (await one.list({ workflow: 'report' })).runs.length, { timeout: 15_000 })
    .toBeGreaterThanOrEqual(4);
  expect(await one.schedules(report)).toMatchObject([{ id: 'daily', everyMs: 300 }]);
  expect(await two.unschedule(report, 'daily')).toBe(true);
  expect(await two.unschedule(report, 'daily')).toBe(false);
  expect(await one.schedules(report)).toEqual([]);

  const { runs } = await one.list({ workflow: 'report', tag: { key: 'schedule', value: 'daily' } });
  const times = runs.map(({ id }) => Number(id.slice('daily.'.length))).sort((a, b) => a - b);
  expect(new Set(times).size).toBe(times.length);
  for (const [i, time] of times.entries()) {
    if (i > 0) expect(time - (times[i - 1] ?? 0)).toBe(300);
  }
  for (const { id } of runs) expect(await one.run(id).result({ timeoutMs: 5_000 })).toBe(0);
});

test('cron patterns are accepted, and nonsense is refused', async () => {
  await using pawl = await openPawl(inject('redisUrl'), newPrefix());
  const input = { day: new Date(0) };
  await pawl.schedule(report, input, { id: 'cron', cron: '0 3 * * *', timeZone: 'Europe/Berlin' });
  expect(await pawl.schedules(report)).toMatchObject([{ id: 'cron', cron: '0 3 * * *' }]);
  await pawl.schedule(report, input, { id: 'cron', cron: '0 4 * * *' });
  expect(await pawl.schedules(report)).toHaveLength(1);
  for (const when of [
    { id: 'a b', every: 100 },
    { id: 'x' },
    { id: 'x', cron: '* * * * *', every: 1 },
  ]) {
    await expect(pawl.schedule(report, input, when)).rejects.toMatchObject({
      code: 'PAWL_INVALID',
    });
  }
});
