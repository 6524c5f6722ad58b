// Goal: the pages over the fleet say what is so, group what belongs together, and do only what was asked and allowed.
// Method: the pages, and forms as a browser sends them, over the memory store; workers that are lost by the store's word.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { dashboard, type DashboardOptions } from 'pawl/dashboard';
import { z } from 'zod';
import { barChart } from '../../../src/dashboard/fleet/bars.ts';
import { groupFailures } from '../../../src/dashboard/fleet/failures.ts';
import { inBars } from '../../../src/dashboard/fleet/in-bars.ts';
import { replayIn, spread } from '../../../src/dashboard/fleet/recoveries.ts';
import type { MemoryRunStore } from '../../../src/memory/run-store.ts';
import type { RunEvent, RunInfo } from 'pawl';
import type { RunCounts } from '../../../src/core/run-stats.ts';
import { memoryPawl } from '../../support/memory.ts';

const upload = defineWorkflow({
  name: 'upload',
  version: 2,
  input: z.object({ fail: z.string().optional() }),
  async run(ctx, { fail }) {
    await ctx.step('first', () => 1);
    if (fail !== undefined) throw new Error('gave up', { cause: new TypeError(fail) });
    await ctx.sleep('1h');
  },
});
/** Has a step at work until it is cancelled. */
const busy = defineWorkflow({
  name: 'busy',
  run: (ctx) =>
    ctx.step('work', async ({ signal }) => {
      await new Promise((_, reject) => signal.addEventListener('abort', reject, { once: true }));
    }),
});

const headers = { host: '127.0.0.1:4777' };
const origin = `http://${headers.host}`;
let pawl: Pawl;
let store: MemoryRunStore;

beforeAll(async () => {
  ({ pawl, store } = memoryPawl());
  const worker = pawl.worker({ workflows: [upload, busy], beatMs: 50 });
  await worker.ready();
  await pawl.start(upload, {}, { id: 'up-1' });
  for (const [id, fail] of [
    ['bad-1', 'disk 1 is full: 4096 bytes'],
    ['bad-2', 'disk 2 is full: 77 bytes'],
    ['bad-3', '<i>no</i> route'],
  ] as const)
    await pawl.start(upload, { fail }, { id });
  const ended = async (): Promise<void> => {
    const { runs } = await pawl.stats();
    expect([runs.failed, runs.waiting]).toEqual([3, 1]);
  };
  await vi.waitFor(ended, 10_000);
});

afterAll(() => pawl.close({ graceMs: 100 }));

function pagesOf(options: DashboardOptions = {}) {
  const pages = dashboard(pawl, { readOnly: false, actor: 'ada', ...options });
  const tidy = async (answer: Response): Promise<[number, string]> => [
    answer.status,
    answer.headers.get('location') ?? (await answer.text()).replaceAll(/\s+/g, ' '),
  ];
  const get = async (path: string): Promise<[number, string]> =>
    tidy(await pages.fetch(new Request(origin + path, { headers })));
  const post = async (path: string, fields: Record<string, string>): Promise<[number, string]> =>
    tidy(
      await pages.fetch(
        new Request(origin + path, {
          method: 'POST',
          headers: { ...headers, origin, 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams(fields),
        }),
      ),
    );
  return { get, post };
}

const tokenIn = (page: string): string => /name="token" value="([^"]*)"/.exec(page)?.[1] ?? '';

const names = [
  'overview',
  'runs',
  'failures',
  'inbox',
  'queues',
  'workers',
  'recoveries',
  'schedules',
  'deletions',
  'health',
];

test.each(names)('%s is a page, and JSON, under its place in the menu', async (name) => {
  const { get } = pagesOf();
  const [status, page] = await get(`/${name}`);
  expect(status).toBe(200);
  expect(page).toContain(`href="/${name}" aria-current="page"`);
  expect(page).toMatch(new RegExp(`data-live="/live/${name}[?"]`));
  expect(page).not.toMatch(/<i>no|style=/);
  expect(page.match(/<h1>/g)).toHaveLength(1);
  const [code, text] = await get(`/${name}.json`);
  expect([code, typeof JSON.parse(text)]).toEqual([200, 'object']);
});

test.each(names.filter((name) => name !== 'overview' && name !== 'runs' && name !== 'health'))(
  '%s says what to do where there is nothing',
  async (name) => {
    await using empty = memoryPawl().pawl;
    const answer = await dashboard(empty).fetch(new Request(`${origin}/${name}`, { headers }));
    expect(await answer.text()).toMatch(/<p>\s*(No|There is no|Nobody)[^<]/);
  },
);

describe('failures', () => {
  test('are put together by what went wrong first', async () => {
    const [, page] = await pagesOf().get('/failures');
    expect(page.match(/data-key=/g)).toHaveLength(2);
    expect(page).toContain('TypeError: disk 2 is full: 77 bytes');
    expect(page).toContain('2 runs');
    expect(page).toContain('1 run<');
    expect(page).toContain('&lt;i&gt;no&lt;/i&gt; route');
    expect((await pagesOf().get('/failures?workflow=other'))[1]).toContain('No failed run meets');
    expect((await pagesOf().get('/failures?tag=x'))[0]).toBe(400);
  });

  test('numbers, ids and quoted names make no other error', () => {
    const run = (id: string, message: string, name = 'Error'): RunInfo =>
      ({
        id,
        workflow: 'w',
        status: 'failed',
        changedAt: new Date(0),
        error: { name, message },
      }) as RunInfo;
    const groups = (...runs: RunInfo[]): number => groupFailures(runs).length;
    expect(groups(run('a', 'took 12 ms'), run('b', 'took 7 ms'))).toBe(1);
    expect(groups(run('a', "no file 'x.txt'"), run('b', "no file 'y.txt'"))).toBe(1);
    expect(groups(run('a', 'run a is gone'), run('b', 'run b is gone'))).toBe(1);
    expect(groups(run('a', 'id 0af3b2c199'), run('b', 'id deadbeef01'))).toBe(1);
    expect(groups(run('a', 'x'), run('b', 'y'))).toBe(2);
    expect(groups(run('a', 'x'), run('b', 'x', 'TypeError'))).toBe(2);
  });

  test('of one error have a page, and try again together', async () => {
    const { get, post } = pagesOf();
    const [, page] = await get('/failures');
    const group = /data-key="([0-9a-f]{12})"/.exec(page)?.[1] ?? '';
    const [, one] = await get(`/failures?group=${group}`);
    const token = tokenIn(one);
    expect(one).toContain('pawl dead retry bad-3');
    expect(await post(`/failures/${group}/retry`, { token: 'x' })).toEqual([
      403,
      expect.anything(),
    ]);
    const long = { token, reason: 'x'.repeat(3_000) };
    expect((await post(`/failures/${group}/retry`, long))[0]).toBe(400);
    const { seq } = await pawl.run('bad-3').info();
    const [status, done] = await post(`/failures/${group}/retry`, { token, reason: 'again' });
    expect([status, done]).toEqual([200, expect.stringContaining('1 run tries again.')]);
    for await (const event of pawl.run('bad-3').events({ after: seq })) {
      if (event.type !== 'operator.retried') continue;
      expect(event.data).toMatchObject({ actor: 'ada', reason: 'again' });
      break;
    }
    expect((await post('/failures/000000000000/retry', { token }))[1]).toContain('any more');
    expect((await get('/failures?group=000000000000'))[1]).toContain('has this error any more');
    const { post: postReadOnly } = pagesOf({ readOnly: true });
    expect((await postReadOnly(`/failures/${group}/retry`, { token }))[0]).toBe(403);
  });
});

describe('workers', () => {
  test('show their load, their code, and a way to send one home', async () => {
    const { get, post } = pagesOf();
    const [worker] = await pawl.workers();
    const [, page] = await get('/workers');
    expect(page).toMatch(/1 worker ?</);
    expect(page).toContain('<bdi>upload</bdi>@2');
    expect(page).toContain('of 100');
    const token = tokenIn(page);
    const to = `/workers/${encodeURIComponent(worker?.id ?? '')}/drain`;
    expect(await post(to, { token })).toEqual([400, expect.stringContaining('was not ticked')]);
    expect((await post(to, { sure: 'yes', token: 'x' }))[0]).toBe(403);
    expect((await post('/workers/nobody/drain', { token, sure: 'yes' }))[0]).toBe(404);
    expect((await pagesOf({ actions: ['pause'] }).get('/workers'))[1]).not.toContain('Drain');
    expect((await pawl.workers())[0]?.draining).toBe(false);
    // Last of all: afterwards no worker is there.
    const second = pawl.worker({ workflows: [upload] });
    await second.ready();
    const other = `/workers/${encodeURIComponent(second.id)}/drain`;
    expect(await post(other, { token, sure: 'yes' })).toEqual([303, '/workers?done=drain']);
    await vi.waitFor(async () => expect(await pawl.workers()).toHaveLength(1), 10_000);
  });

  test('with older code than another one are marked', async () => {
    const info = { host: 'h', pid: 1, concurrency: 1, active: 0, loopLagMs: 2_000 };
    const old = { ...info, id: 'h-1-old', workflows: { upload: 1 } };
    await store.fleet.register(old.id);
    await store.fleet.beat(old, 5_000);
    const [, page] = await pagesOf().get('/workers');
    expect(page).toContain('<bdi>upload</bdi>@1 (older)');
    expect(page).toContain('1 with older code');
    expect(page).toContain('▲ 2.00 s');
    await store.fleet.deregister(old.id);
  });
});

describe('recoveries', () => {
  test('tell how long each part took, by reason', async () => {
    const run = await pawl.start(busy, {}, { id: 'busy-1' });
    const holder = async (): Promise<string> => (await run.info()).worker ?? '';
    await vi.waitFor(async () => expect(await holder()).not.toBe(''), 10_000);
    await store.fleet.interrupt({
      worker: await holder(),
      reason: 'session-expired',
      lastSeenAt: await store.observation.now(),
      resendMs: 0,
      quarantineAfter: 3,
      limit: 10,
    });
    const taken = async (): Promise<void> => {
      const [first] = await pawl.recoveries();
      expect(first?.claimMs).toEqual(expect.any(Number));
    };
    await vi.waitFor(taken, 15_000);
    const [, page] = await pagesOf().get('/recoveries');
    expect(page).toContain('its beats stopped');
    expect(page).toMatch(/data-label="Detection">\d+ ms/);
    const [, text] = await pagesOf().get('/recoveries.json');
    expect(JSON.parse(text)).toMatchObject({
      takes: [{ run: 'busy-1', reason: 'session-expired' }],
      reasons: [{ reason: 'session-expired', count: 1, detect: { count: 1 } }],
    });
    await run.cancel();
  });

  test('a replay is that of the take-over, not of another one by the same worker', () => {
    const at = (ms: number): Date => new Date(1_000_000 + ms);
    const resumed = (ms: number, from: string, replayMs: number): RunEvent => ({
      seq: ms,
      fence: 1,
      type: 'run.resumed',
      at: at(ms),
      data: { worker: 'w', from, replayMs, replayed: 1, fromVersion: 0 },
    });
    const events = [resumed(20, 'a', 1), resumed(120, 'a', 2), resumed(220, 'w', 3)];
    const take = (ms: number, from: string, worker = 'w'): Parameters<typeof replayIn>[1] => ({
      from,
      worker,
      at: at(ms),
      reason: 'presence-lost',
      detectMs: 1,
      claimMs: 10,
      quarantined: false,
    });
    expect(replayIn(events, take(10, 'a'))).toBe(1);
    expect(replayIn(events, take(100, 'a'))).toBe(2);
    // Its worker died before it had told, and took the run from itself.
    expect(replayIn(events, take(130, 'w'))).toBe(3);
    expect(replayIn(events, take(130, 'a'))).toBeUndefined();
    expect(replayIn(events, take(10, 'a', 'v'))).toBeUndefined();
  });

  test('the spread is of the numbers that there are', () => {
    expect(spread([])).toEqual({ count: 0, p50: 0, p99: 0 });
    expect(spread([7])).toEqual({ count: 1, p50: 7, p99: 7 });
    expect(spread(Array.from({ length: 200 }, (_, i) => 200 - i))).toEqual({
      count: 200,
      p50: 100,
      p99: 198,
    });
  });
});

test('schedules tell when they are due, and deletions who asked', async () => {
  await pawl.schedule(upload, {}, { id: 'nightly', cron: '0 3 * * *', timeZone: 'Europe/Berlin' });
  const [, page] = await pagesOf().get('/schedules');
  expect(page).toMatch(/<code>0 3 \* \* \*<\/code ?> ?Europe\/Berlin/);
  expect(page).toContain('none yet');
  await pawl.unschedule(upload, 'nightly');
  await pawl.delete('bad-2', { actor: '<b>kim', reason: 'old' });
  const [, deletions] = await pagesOf().get('/deletions');
  expect(deletions).toContain('<bdi>&lt;b&gt;kim</bdi>');
  expect(deletions).toContain('<bdi>old</bdi>');
});

describe('the overview', () => {
  test('counts what is there, and refuses a time that there is not', async () => {
    const { get } = pagesOf();
    const [, page] = await get('/overview');
    expect(page).toContain('All is well.');
    expect(page).toContain('Runs by the time of their start');
    expect(await get('/overview?over=1y')).toEqual([400, expect.stringContaining('1h, 24h, 7d')]);
    const [, text] = await get('/overview.json?over=24h');
    const { parts, stats } = JSON.parse(text) as {
      parts: { runs: Record<string, number> }[];
      stats: { runs: Record<string, number> };
    };
    expect(parts).toHaveLength(60);
    const failed = parts.reduce((sum, { runs }) => sum + (runs['failed'] ?? 0), 0);
    expect(failed).toBe(stats.runs['failed']);
  });

  test('a bar has its begin and not its end, and nothing is in two of them', () => {
    const parts = [0, 100, 200].map((ms) => ({ from: new Date(ms), runs: {} as RunCounts }));
    const bars = inBars(parts, [-1, 0, 99, 100, 299, 300], (at) => at);
    expect(bars).toEqual([[0, 99], [100], [299]]);
    expect(inBars([], [1], (at) => at)).toEqual([]);
  });

  test('a chart says its sums, and each bar its numbers', async () => {
    const times = [0, 60_000].map((ms) => new Date(ms));
    const series = [
      { name: 'good', tone: 'good', values: [2, 0] },
      { name: 'bad', tone: 'bad', values: [1, 0] },
    ];
    const chart = String(await barChart({ title: 'Runs', times, series })).replaceAll(/\s+/g, ' ');
    expect(chart).toContain('aria-label="Runs: 2 good, 1 bad"');
    expect(chart).toContain('<title>1970-01-01 00:00 UTC: 2 good, 1 bad</title>');
    expect(chart.match(/<rect/g)).toHaveLength(2);
    const none = String(await barChart({ title: 'Runs', times: [], series: [] }));
    expect(none).toContain('aria-label="Runs: none"');
  });
});

test('a store that does not answer is told by the page of its health', async () => {
  const { pawl: closed } = memoryPawl();
  await closed.close();
  const pages = dashboard(closed);
  const answer = await pages.fetch(new Request(`${origin}/health`, { headers }));
  expect([answer.status, await answer.text()]).toEqual([
    200,
    expect.stringContaining('does not answer'),
  ]);
});
