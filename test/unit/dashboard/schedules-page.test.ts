// Goal: schedules are worked from their page: by those who may, with what asks first asked, and told truly. Method: the
// page, and its forms sent as by a browser, over the memory store.
import { expect, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { dashboard, type DashboardOptions } from 'pawl/dashboard';
import { memoryPawl } from '../../support/memory.ts';

const headers = { host: '127.0.0.1:4777' };
const origin = `http://${headers.host}`;
const report = defineWorkflow({ name: 'report', run: () => 1 });

function pagesOf(pawl: Pawl, options: DashboardOptions = {}) {
  const pages = dashboard(pawl, { readOnly: false, actor: 'ada', ...options });
  const get = async (path: string): Promise<string> => {
    const answer = await pages.fetch(new Request(origin + path, { headers }));
    return (await answer.text()).replaceAll(/\s+/g, ' ');
  };
  const post = async (verb: string, fields: Record<string, string> = {}): Promise<string> => {
    const token = /name="token" value="([^"]*)"/.exec(await get('/schedules'))?.[1] ?? '';
    const answer = await pages.fetch(
      new Request(`${origin}/schedules/report/${verb}`, {
        method: 'POST',
        headers: { ...headers, origin, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ token, ...fields }),
      }),
    );
    return `${answer.status} ${answer.headers.get('location') ?? ''}`.trim();
  };
  return { get, post };
}

async function withSchedule(): Promise<Pawl> {
  const { pawl } = memoryPawl();
  await pawl.schedule(report, undefined, { id: 'nightly', cron: '0 3 * * *' });
  return pawl;
}

test('pause, resume, a run by hand and the end; each says what it did and has its command line', async () => {
  await using pawl = await withSchedule();
  const { get, post } = pagesOf(pawl);
  const page = await get('/schedules');
  for (const verb of ['pause', 'trigger', 'remove']) {
    expect(page).toContain(`pawl schedules ${verb} report nightly`);
  }
  expect(page).not.toContain('schedules resume');
  expect(await post('nightly/pause')).toBe('303 /schedules?done=schedule-pause');
  const paused = await get('/schedules?done=schedule-pause');
  expect(paused).toContain('The schedule is paused.');
  expect(paused).toContain('<b class="warn">paused</b>');
  expect(paused).toContain('pawl schedules resume report nightly');
  const started = await post('nightly/trigger');
  expect(started).toMatch(/^303 \/runs\/nightly\.now\.\d+\?done=trigger$/);
  expect(await get(started.slice(4))).toContain('started by hand');
  expect(await post('nightly/resume')).toBe('303 /schedules?done=schedule-resume');
  expect(await pawl.schedules()).toMatchObject([{ paused: false }]);
  expect(await post('nightly/remove')).toBe('400');
  expect(await pawl.schedules()).toHaveLength(1);
  expect(await post('nightly/remove', { sure: 'yes' })).toBe('303 /schedules?done=schedule-remove');
  expect(await pawl.schedules()).toEqual([]);
});

test('nothing without a token, of nobody, or that there is no such thing as', async () => {
  await using pawl = await withSchedule();
  const { post } = pagesOf(pawl);
  expect(await post('nightly/pause', { token: 'x' })).toBe('403');
  expect(await post('nobody/pause')).toBe('404');
  expect(await post('nobody/trigger')).toBe('404');
  expect(await post('nightly/explode')).toBe('403');
  expect(await post('nightly/constructor')).toBe('403');
  expect(await pawl.schedules()).toMatchObject([{ id: 'nightly', paused: false }]);
});

test.each([
  ['read', []],
  ['operate', ['pause', 'trigger']],
  ['admin', ['pause', 'trigger', 'remove']],
] as const)('as %s one is offered, and may do, %j', async (role, may) => {
  await using pawl = await withSchedule();
  const { get, post } = pagesOf(pawl, { login: () => ({ actor: 'kim', role }) });
  const offered = [...(await get('/schedules')).matchAll(/nightly\/(\w+)" class/g)];
  expect(offered.map(([, verb]) => verb)).toEqual(may);
  for (const verb of ['pause', 'trigger', 'remove']) {
    const answer = await post(`nightly/${verb}`, { sure: 'yes' });
    expect([verb, answer.slice(0, 3)]).toEqual([
      verb,
      may.some((one) => one === verb) ? '303' : '403',
    ]);
  }
});
