// Goal: the page of workers ends those workers alone that its host says it has started, for admins who were asked, and
// there is no way to do so where the host gives none. Method: the pages over the memory store, and a host that counts.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineWorkflow, type Pawl, type Worker } from 'pawl';
import { dashboard, type DashboardOptions } from 'pawl/dashboard';
import { memoryPawl } from '../../support/memory.ts';

const idle = defineWorkflow({ name: 'idle', run: () => 1 });
const host = '127.0.0.1:4777';
let pawl: Pawl;
let own: Worker;
let foreign: Worker;
/** Who has killed which worker. */
const killed: string[] = [];
let isAlive = true;

beforeAll(async () => {
  ({ pawl } = memoryPawl());
  [own, foreign] = [pawl.worker({ workflows: [idle] }), pawl.worker({ workflows: [idle] })];
  await Promise.all([own.ready(), foreign.ready()]);
});

afterAll(() => pawl.close({ graceMs: 100 }));

const killable: NonNullable<DashboardOptions['killable']> = () => {
  const kill = ({ actor }: { readonly actor: string }): boolean => {
    if (isAlive) killed.push(`${own.id} by ${actor}`);
    return isAlive;
  };
  return new Map([[own.id, { how: 'SIGKILL', command: 'kill -9 4711', kill }]]);
};

function pagesOf(options: DashboardOptions) {
  const pages = dashboard(pawl, options);
  const headers = { host, origin: `http://${host}` };
  const to = (path: string): string => `http://${host}${path}`;
  const get = async (path: string): Promise<string> =>
    (await pages.fetch(new Request(to(path), { headers }))).text();
  const kill = async (
    id: string,
    fields: Readonly<Record<string, string>>,
    more: Readonly<Record<string, string>> = {},
  ): Promise<readonly [number, string]> => {
    const sent = { method: 'POST', headers: { ...headers, ...more } };
    const path = to(`/workers/${encodeURIComponent(id)}/kill`);
    const body = new URLSearchParams(fields);
    const answer = await pages.fetch(new Request(path, { ...sent, body }));
    return [answer.status, answer.headers.get('location') ?? (await answer.text())];
  };
  return { get, kill };
}

/** A page has tokens in the forms of all that a role may do. */
function tokenIn(page: string): string {
  return /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
}

test('an admin kills a worker of the host, after the question, and the page says so', async () => {
  const { get, kill } = pagesOf({ readOnly: false, killable, actor: 'ada' });
  const page = await get('/workers');
  const forms = [...page.matchAll(/action="\/workers\/([^"]+)\/kill"/g)].map(([, id]) => id);
  expect(forms).toEqual([encodeURIComponent(own.id)]);
  expect(page).toContain('Kill (SIGKILL)');
  expect(page).toContain('kill -9 4711');
  const token = tokenIn(page);
  expect(await kill(own.id, { token })).toEqual([400, expect.stringContaining('was not ticked')]);
  expect((await kill(own.id, { token: 'x', sure: 'yes' }))[0]).toBe(403);
  const other = { origin: 'http://evil.example' };
  expect((await kill(own.id, { token, sure: 'yes' }, other))[0]).toBe(403);
  expect(killed).toEqual([]);
  expect(await kill(own.id, { token, sure: 'yes' })).toEqual([303, '/workers?done=kill']);
  expect(killed.splice(0)).toEqual([`${own.id} by ada`]);
  expect(await get('/workers?done=kill')).toContain('was killed in the middle of its work');
});

test('a worker of another process, none, a number of a process, and one that has ended are a 404', async () => {
  const { get, kill } = pagesOf({ readOnly: false, killable });
  const token = tokenIn(await get('/workers'));
  const refused = [404, expect.stringContaining('nothing was done')];
  for (const id of [foreign.id, 'nobody', String(process.pid), 'constructor']) {
    expect(await kill(id, { token, sure: 'yes' })).toEqual(refused);
  }
  isAlive = false;
  expect(await kill(own.id, { token, sure: 'yes' })).toEqual(refused);
  isAlive = true;
  expect(killed).toEqual([]);
});

test('who may not is shown no way to kill, and a request of theirs is a 403', async () => {
  const role = (name: 'read' | 'operate'): DashboardOptions => ({
    login: () => ({ actor: name, role: name }),
  });
  const ways: readonly DashboardOptions[] = [
    { readOnly: false },
    { readOnly: false, actions: ['kill', 'drain'] },
    { readOnly: false, killable, actions: ['drain'] },
    { readOnly: true, killable },
    { killable },
    { ...role('read'), killable },
    { ...role('operate'), killable },
  ];
  for (const options of ways) {
    const { get, kill } = pagesOf(options);
    const page = await get('/workers');
    expect(page).toContain('idle');
    expect(page).not.toContain('Kill');
    const asked = await kill(own.id, { token: tokenIn(page), sure: 'yes' });
    expect(asked).toEqual([403, expect.stringContaining('does not allow that')]);
  }
  expect(killed).toEqual([]);
});

test('a way to kill that is no function is refused', () => {
  expect(() => dashboard(pawl, { killable: [] as never })).toThrow(/killable/);
});
