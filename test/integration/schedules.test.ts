// Goal: one run for each time of a schedule, and never two, on a real Redis. Method: workers of two pawls, schedules of
// fractions of a second, and a BullMQ whose keys are deleted.
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, Pawl } from 'pawl';
import { newPrefix, openPawl } from '../support/workers.ts';

const report = defineWorkflow({
  name: 'report',
  input: z.object({ day: z.date() }),
  run: (_ctx, { day }) => day.getTime(),
});
const slow = defineWorkflow({
  name: 'slow',
  run: async (ctx) => ctx.step('work', () => wait(700)),
});

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function timesOf(pawl: Pawl, schedule: string): Promise<number[]> {
  const { runs } = await pawl.list({ tag: { key: 'schedule', value: schedule }, limit: 500 });
  return runs.map(({ id }) => Number(id.slice(schedule.length + 1))).sort((a, b) => a - b);
}

/** Every time from the first to the last, with nothing left out and nothing twice. */
function expectEvery(ms: number, times: readonly number[]): void {
  const [first = 0] = times;
  expect(times).toEqual(times.map((_, i) => first + i * ms));
}

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
    .poll(async () => (await timesOf(one, 'daily')).length, { timeout: 15_000 })
    .toBeGreaterThanOrEqual(4);
  expect(await one.schedules(report)).toMatchObject([{ id: 'daily', everyMs: 300 }]);
  expect(await two.unschedule(report, 'daily')).toBe(true);
  expect(await two.unschedule(report, 'daily')).toBe(false);
  expect(await one.schedules(report)).toEqual([]);

  const times = await timesOf(one, 'daily');
  expectEvery(300, times);
  for (const at of times) {
    expect(await one.run(`daily.${at}`).result({ timeoutMs: 5_000 })).toBe(0);
  }
});

test('what is saved again changes, and nonsense is refused', async () => {
  await using pawl = await openPawl(inject('redisUrl'), newPrefix());
  const input = { day: new Date(0) };
  await pawl.schedule(report, input, { id: 'cron', cron: '0 3 * * *', timeZone: 'Europe/Berlin' });
  const shown = { id: 'cron', cron: '0 3 * * *', timeZone: 'Europe/Berlin', everyMs: undefined };
  expect(await pawl.schedules(report)).toMatchObject([shown]);
  await pawl.schedule(report, input, { id: 'cron', cron: '0 4 * * *', missed: 'all' });
  const [changed, ...others] = await pawl.schedules();
  expect(others).toEqual([]);
  expect(changed).toMatchObject({ cron: '0 4 * * *', timeZone: 'UTC', missed: 'all' });
  expect(new Date(changed?.nextAt ?? 0).toISOString().slice(11)).toBe('04:00:00.000Z');
  for (const when of [
    { id: 'a b', every: 100 },
    { id: 'x' },
    { id: 'x', cron: '* * * * *', every: 1 },
    { id: 'x', cron: '61 * * * *' },
  ]) {
    const code = 'PAWL_INVALID';
    await expect(pawl.schedule(report, input, when)).rejects.toMatchObject({ code });
  }
  expect(await pawl.schedules()).toHaveLength(1);
});

test('a closed pawl says so', async () => {
  const pawl = await openPawl(inject('redisUrl'), newPrefix());
  await pawl.close();
  const code = 'PAWL_CLOSED';
  const when = { id: 's', every: '1h' } as const;
  await expect(pawl.schedule(slow, undefined, when)).rejects.toMatchObject({ code });
  await expect(pawl.schedules()).rejects.toMatchObject({ code });
});

test('all keys of BullMQ are deleted, again and again: no time is lost', async () => {
  const url = inject('redisUrl');
  const prefix = newPrefix();
  await using pawl = await openPawl(url, prefix);
  pawl.worker({ workflows: [report] });
  const redis = new Redis(url);
  await pawl.schedule(report, { day: new Date(0) }, { id: 's', every: '200ms' });
  for (let i = 0; i < 10; i++) {
    await wait(250);
    const keys = await redis.keys(`{${prefix}}:bull:*`);
    if (keys.length > 0) await redis.unlink(keys);
  }
  await wait(300);
  await pawl.unschedule(report, 's');
  redis.disconnect();
  const times = await timesOf(pawl, 's');
  expect(times.length).toBeGreaterThanOrEqual(10);
  expectEvery(200, times);
  for (const at of times) await pawl.run(`s.${at}`).result({ timeoutMs: 20_000 });
});

test('with queue the runs of two workers never stand beside each other', async () => {
  const url = inject('redisUrl');
  const prefix = newPrefix();
  await using one = await openPawl(url, prefix);
  await using two = await openPawl(url, prefix);
  one.worker({ workflows: [slow] });
  two.worker({ workflows: [slow] });
  await one.schedule(slow, undefined, { id: 's', every: '300ms', overlap: 'queue' });
  await wait(3_500);
  await one.unschedule(slow, 's');
  const { runs } = await one.list({ workflow: 'slow' });
  const spans = runs.map(({ createdAt, changedAt }) => [Number(createdAt), Number(changedAt)]);
  spans.sort(([a = 0], [b = 0]) => a - b);
  expect(spans.length).toBeGreaterThanOrEqual(2);
  for (const [i, [from]] of spans.entries()) {
    if (i > 0) expect(from).toBeGreaterThanOrEqual(spans[i - 1]?.[1] ?? 0);
  }
  // The oldest are first, and none is left out.
  expectEvery(300, await timesOf(one, 's'));
});

test('a schedule whose key is missing waits for the key, and has lost no time', async () => {
  const url = inject('redisUrl');
  const prefix = newPrefix();
  const keys = {
    k1: Buffer.alloc(32, 1).toString('base64'),
    k2: Buffer.alloc(32, 2).toString('base64'),
  };
  const logged: string[] = [];
  const note = (fields: object, text: string): void => {
    logged.push(`${text} ${JSON.stringify(fields)}`);
  };
  const logger = { debug: note, info: note, warn: note, error: note };
  const open = (known: Record<string, string>, current: string): Promise<Pawl> =>
    Pawl.open({ redis: url, prefix, logger, encryption: { keys: known, current } });
  await using whole = await open(keys, 'k1');
  await whole.schedule(report, { day: new Date(5) }, { id: 's', every: '200ms', missed: 'all' });
  {
    await using without = await open({ k2: keys.k2 }, 'k2');
    without.worker({ workflows: [report] });
    await expect.poll(() => logged.join('\n'), { timeout: 10_000 }).toContain('not started');
  }
  expect(logged.join('\n')).toContain('KeyMissingError');
  expect(await timesOf(whole, 's')).toEqual([]);
  const [info] = await whole.schedules(report);
  expect(info).toMatchObject({ timesMissed: 0, timesSkipped: 0 });
  whole.worker({ workflows: [report] });
  await expect
    .poll(async () => (await timesOf(whole, 's')).at(-1) ?? 0, { timeout: 20_000 })
    .toBeGreaterThan(Date.now());
  const times = await timesOf(whole, 's');
  expectEvery(200, times);
  expect(times[0]).toBe(info?.nextAt);
});
