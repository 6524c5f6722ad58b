// Goal: nobody does what their role does not allow, on any route; a route that changes something and has no role is refused
// for everybody. Method: the routes themselves are walked, over the memory store.
import { expect, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { dashboard, type DashboardOptions, serveDashboard } from 'pawl/dashboard';
import { changes, roleFor } from '../../../src/dashboard/access.ts';
import { pagesFor } from '../../../src/dashboard/app.ts';
import { readSettings } from '../../../src/dashboard/settings.ts';
import { memoryPawl } from '../../support/memory.ts';

const idle = defineWorkflow({ name: 'idle', run: () => 1 });
const own = { host: '127.0.0.1', 'sec-fetch-site': 'same-origin' };

function ask(
  pawl: Pawl,
  options: DashboardOptions,
): (path: string, init?: RequestInit) => Promise<Response> {
  const pages = dashboard(pawl, options);
  return async (path, init = {}) => {
    const headers = { ...own, ...(init.headers as Record<string, string>) };
    return pages.fetch(new Request(`http://127.0.0.1${path}`, { ...init, headers }));
  };
}

function form(fields: Readonly<Record<string, string>>): RequestInit {
  return { method: 'POST', body: new URLSearchParams(fields) };
}

async function tokenOf(page: Promise<Response>): Promise<string> {
  return /name="token" value="([^"]+)"/.exec(await (await page).text())?.[1] ?? '';
}

test('each route that changes something has a role, and each role a route', async () => {
  await using pawl = memoryPawl().pawl;
  const settings = readSettings({ basePath: '/a/b', readOnly: false, queueBoard: true });
  const routes = pagesFor(pawl, settings).routes.filter(
    ({ method, path }) => !['GET', 'HEAD', 'OPTIONS'].includes(method) && path !== '/a/b/*',
  );
  const paths = [...new Set(routes.map(({ path }) => path.slice('/a/b'.length)))];
  const ruled = new Set(changes.map(({ path }) => path));
  expect(paths.filter((path) => !ruled.has(path))).toEqual([]);
  expect([...ruled].filter((path) => !paths.includes(path))).toEqual([]);
  expect(roleFor('/runs/x/explode')).toBeUndefined();
  expect(roleFor('/runs/x/constructor')).toBeUndefined();
  expect(roleFor('/new')).toBeUndefined();
  expect(roleFor('/schedules/idle/s/explode')).toBeUndefined();
});

const posts = [
  ['/runs/r/signal', 'operate'],
  ['/runs/r/answer', 'operate'],
  ['/runs/r/decide', 'operate'],
  ['/runs/r/resume', 'operate'],
  ['/runs/r/retry', 'operate'],
  ['/runs/r/pause', 'operate'],
  ['/runs/r/cancel', 'operate'],
  ['/runs/r/fork', 'admin'],
  ['/runs/r/delete', 'admin'],
  ['/bulk', 'operate'],
  ['/failures/x/retry', 'operate'],
  ['/workers/w/drain', 'operate'],
  ['/workers/w/kill', 'admin'],
  ['/health/doctor', 'operate'],
  ['/schedules/idle/s/pause', 'operate'],
  ['/schedules/idle/s/resume', 'operate'],
  ['/schedules/idle/s/trigger', 'operate'],
  ['/schedules/idle/s/remove', 'admin'],
  ['/queues/idle/pause', 'operate'],
  ['/queues/idle/canary', 'operate'],
  ['/board/api/queues/idle/pause', 'admin'],
] as const;

test('a role that is too low is a 403 on each of them, and so are no token and another site', async () => {
  await using pawl = memoryPawl().pawl;
  const run = await pawl.start(idle, undefined, { id: 'r' });
  const before = await run.info();
  const roles = ['read', 'operate', 'admin'] as const;
  for (const [at, role] of roles.entries()) {
    const asked = ask(pawl, {
      login: () => ({ actor: role, role }),
      queueBoard: true,
      killable: () => new Map(),
    });
    for (const [path, needed] of posts) {
      const isLow = roles.indexOf(needed) > at;
      expect(roleFor(path)).toBe(needed);
      const answer = await asked(path, form({ sure: 'yes', action: 'pause' }));
      if (isLow) {
        expect([path, answer.status]).toEqual([path, 403]);
        expect(await answer.text()).toContain('does not allow that');
      } else if (!path.startsWith('/board')) {
        expect([path, answer.status]).toEqual([path, 403]);
        expect(await answer.text()).toContain('of another session');
      }
      // Another program of the same machine is another site, too.
      for (const origin of ['http://evil.example', 'http://127.0.0.1:8080']) {
        const foreign = await asked(path, { ...form({}), headers: { ...own, origin } });
        expect([path, foreign.status]).toEqual([path, 403]);
        const why = isLow ? 'does not allow that' : 'another site';
        expect(await foreign.text()).toContain(why);
      }
    }
  }
  const operator = ask(pawl, { login: () => ({ actor: 'o', role: 'operate' }) });
  const bulk = await operator('/bulk', form({ sure: 'yes', action: 'delete' }));
  expect([bulk.status, await bulk.text()]).toEqual([
    403,
    expect.stringContaining('does not allow that'),
  ]);
  expect(await run.info()).toEqual(before);
});

test('pages offer what the role allows, and the log says who did it', async () => {
  await using pawl = memoryPawl().pawl;
  const run = await pawl.start(idle, undefined, { id: 'r' });
  const users = [
    { name: 'ruth', password: '1', role: 'read' },
    { name: 'omar', password: '2', role: 'operate' },
    { name: 'ada', password: '3', role: 'admin' },
  ] as const;
  const asked = ask(pawl, { users });
  const as = (user: string): RequestInit => ({ headers: { authorization: `Basic ${btoa(user)}` } });
  const offered = async (user: string): Promise<string[]> => {
    const page = await (await asked('/runs/r', as(user))).text();
    return [...page.matchAll(/action="\/runs\/r\/(\w+)"/g)].map(([, name = '']) => name).toSorted();
  };
  expect(await offered('ruth:1')).toEqual([]);
  expect(await offered('omar:2')).toEqual(['cancel', 'pause', 'signal']);
  expect(await offered('ada:3')).toEqual(['cancel', 'delete', 'pause', 'signal']);
  const token = await tokenOf(asked('/runs/r', as('omar:2')));
  // The token of one is no token of another.
  const send = (user: string): Promise<Response> =>
    asked('/runs/r/pause', { ...form({ token, reason: 'lunch' }), ...as(user) });
  expect((await send('ada:3')).status).toBe(403);
  expect((await send('omar:2')).status).toBe(303);
  const events = [];
  for await (const event of run.events()) {
    events.push(event);
    if (event.type === 'operator.paused') break;
  }
  expect(events.at(-1)?.data).toMatchObject({ actor: 'omar', reason: 'lunch' });
});

test('a login of the host: nobody is a 401, a failure lets nobody in, read-only holds for all', async () => {
  await using pawl = memoryPawl().pawl;
  await pawl.start(idle, undefined, { id: 'r' });
  const login = (request: Request): { actor: string; role: 'admin' } | undefined => {
    const user = request.headers.get('x-user');
    if (user === 'broken') throw new Error('the directory is away');
    return user === null ? undefined : { actor: user, role: 'admin' };
  };
  const asked = ask(pawl, { login });
  const as = (user: string): RequestInit => ({ headers: { 'x-user': user } });
  const nobody = await asked('/runs');
  expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, null]);
  const broken = await asked('/runs', as('broken'));
  expect([broken.status, await broken.text()]).toEqual([503, expect.not.stringContaining('away')]);
  expect((await asked('/runs', as('ada'))).status).toBe(200);
  expect(await (await asked('/runs/r', as('ada'))).text()).toContain('/runs/r/delete');
  const closed = ask(pawl, { login, readOnly: true, killable: () => new Map() });
  expect(await (await closed('/runs/r', as('ada'))).text()).not.toContain('/runs/r/delete');
  for (const [path] of posts) {
    const answer = await closed(path, { ...form({ sure: 'yes', action: 'pause' }), ...as('ada') });
    expect([path, answer.status]).toEqual([path, 403]);
    expect(await answer.text(), path).toContain('does not allow that');
  }
});

test('options that do not fit are refused, and an open address without a login', async () => {
  await using pawl = memoryPawl().pawl;
  const user = { name: 'ada', password: 'x', role: 'admin' } as const;
  expect(() => dashboard(pawl, { users: [{ ...user, role: 'root' as never }] })).toThrow(/role/);
  expect(() => dashboard(pawl, { users: [user, user] })).toThrow(/same name/);
  expect(() => dashboard(pawl, { users: [user], login: () => undefined })).toThrow(/login/);
  await expect(serveDashboard(pawl, { host: '0.0.0.0', users: [] })).rejects.toThrow(/login/);
});
