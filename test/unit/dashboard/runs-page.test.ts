// Goal: runs are found by whatever is known of them, and what is done to many is counted first, asked about, and told
// truly. Method: the pages, and forms as a browser sends them, over the memory store.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { dashboard, type DashboardOptions } from 'pawl/dashboard';
import { z } from 'zod';
import { memoryPawl } from '../../support/memory.ts';
import { commandsIn } from '../../support/pages.ts';

const upload = defineWorkflow({
  name: 'upload',
  input: z.object({ fail: z.string().optional() }),
  signals: { go: z.unknown() },
  async run(ctx, { fail }) {
    if (fail !== undefined) throw new Error('the step gave up', { cause: new TypeError(fail) });
    await ctx.waitFor('go', { key: 'k1', label: 'a person to say go' });
  },
});

const headers = { host: '127.0.0.1:4777' };
const origin = `http://${headers.host}`;
let pawl: Pawl;

beforeAll(async () => {
  pawl = memoryPawl().pawl;
  pawl.worker({ workflows: [upload] });
  await pawl.start(upload, {}, { id: 'up-1', tags: { tenant: 'acme' }, key: 'ada' });
  await pawl.start(upload, {}, { id: 'up-2' });
  await pawl.start(upload, { fail: 'disk <b>full</b>' }, { id: 'bad-1' });
  await pawl.start(upload, { fail: 'no' }, { id: 'bad-2' });
  const statuses = async (): Promise<string[]> =>
    (await pawl.list()).runs.map(({ status }) => status).toSorted();
  const wanted = ['failed', 'failed', 'waiting', 'waiting'];
  await vi.waitFor(async () => expect(await statuses()).toEqual(wanted), 10_000);
});

afterAll(() => pawl.close());

function pagesOf(options: DashboardOptions = {}) {
  const pages = dashboard(pawl, { readOnly: false, actor: 'ada', workflows: [upload], ...options });
  const get = async (path: string): Promise<[number, string]> => {
    const answer = await pages.fetch(new Request(origin + path, { headers }));
    return [answer.status, (await answer.text()).replaceAll(/\s+/g, ' ')];
  };
  const post = async (path: string, fields: Record<string, string>): Promise<[number, string]> => {
    const answer = await pages.fetch(
      new Request(origin + path, {
        method: 'POST',
        headers: { ...headers, origin, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(fields),
      }),
    );
    return [answer.status, (await answer.text()).replaceAll(/\s+/g, ' ')];
  };
  return { get, post, fetch: pages.fetch };
}

/** The fields of the first form that changes something. */
function fieldsOf(page: string): Record<string, string> {
  const form = /<form method="post"[\s\S]*?<\/form>/.exec(page)?.[0] ?? '';
  const found = form.matchAll(/type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"/g);
  return Object.fromEntries([...found].map(([, name = '', value = '']) => [name, value]));
}

describe('a search', () => {
  const get = (path: string): Promise<[number, string]> => pagesOf().get(path);
  const idsOf = (page: string): string[] =>
    [...page.matchAll(/data-key="([^"]*)"/g)].map(([, id = '']) => id).toSorted();

  test.each([
    ['id=up-', ['up-1', 'up-2']],
    ['id=nobody', []],
    ['status=dead', ['bad-1', 'bad-2']],
    ['status=failed,waiting', ['bad-1', 'bad-2', 'up-1', 'up-2']],
    ['status=open&id=up-2', ['up-2']],
    ['tag=tenant%3Dacme', ['up-1']],
    ['key=ada', ['up-1']],
    ['waitsFor=go', ['up-1', 'up-2']],
    ['waitsFor=go&waitKey=k1&id=up-1', ['up-1']],
    ['waitsFor=kind:timer', []],
    ['workflow=upload&within=1h', ['bad-1', 'bad-2', 'up-1', 'up-2']],
    ['until=2020-01-01T00:00', []],
    ['since=2020-01-01&status=waiting', ['up-1', 'up-2']],
    ['worker=nobody', []],
    ['parent=nobody', []],
  ])('by %s', async (query, ids) => {
    const [status, page] = await get(`/runs?${query}`);
    expect(status).toBe(200);
    expect(idsOf(page)).toEqual(ids);
  });

  test('shows the first cause of an error, what is waited for, and hides nothing hostile', async () => {
    const [, page] = await get('/runs');
    expect(page).toContain('TypeError: disk &lt;b&gt;full&lt;/b&gt;');
    expect(page).not.toContain('the step gave up');
    expect(page).toContain('a person to say go');
    expect(page).toContain('tenant=acme');
    expect(page).toContain('<option value="upload"></option>');
  });

  test('says the same for a shell', async () => {
    const [, page] = await get('/runs?status=dead&tag=tenant%3Dacme&within=1h');
    expect(commandsIn(page)).toEqual([
      'pawl runs list --status failed quarantined --tag tenant=acme --since 1h',
    ]);
    expect((await get('/runs?waitsFor=go&waitKey=k1'))[1]).not.toContain('pawl runs list');
  });

  test('that cannot be made is refused with what there is to choose, and stays in the form', async () => {
    const [status, page] = await get('/runs?status=acitve&id=up');
    expect(status).toBe(400);
    expect(page).toContain('acitve is not known. Choose one of queued, running');
    expect(page).toContain('<a href="/runs?status=running">running</a>');
    expect(page).toContain('value="up"');
    for (const [query, said] of [
      ['tag=x', 'must be written as key=value'],
      ['within=1y', 'Choose one of 15m'],
      ['since=yesterday', 'must be a time such as'],
      ['waitKey=x', 'goes with the name of a signal'],
      ['cursor=x', 'is not one that a page before has returned'],
    ] as const) {
      const [code, text] = await get(`/runs?${query}`);
      expect([query, code, text.includes(said)]).toEqual([query, 400, true]);
      expect(text).toContain('role="search"');
    }
    const asJson = await get('/runs.json?status=acitve');
    expect(asJson[0]).toBe(400);
    expect(JSON.parse(asJson[1])).toEqual({
      error: expect.stringContaining('acitve is not known'),
    });
  });

  test('that finds nothing says what to do next', async () => {
    expect((await get('/runs?id=zzz&status=failed'))[1]).toContain(
      'without “id begins with <bdi>zzz</bdi>”',
    );
    await using empty = memoryPawl().pawl;
    const pages = dashboard(empty);
    const answer = await pages.fetch(new Request(`${origin}/runs`, { headers }));
    expect(await answer.text()).toContain('There is no run yet');
  });
});

describe('what is done to many runs', () => {
  test('is counted first, and nothing is done', async () => {
    const { get } = pagesOf();
    const [status, page] = await get('/bulk?action=cancel&workflow=upload');
    expect(status).toBe(200);
    expect(page).toContain('4 runs of this search');
    expect(page).toContain('<b>2 runs</b> would be asked to end');
    expect(page).toContain('2 cannot be');
    expect(commandsIn(page)).toEqual([
      `pawl runs cancel --workflow upload --reason &#39;&lt;why&gt;&#39;`,
    ]);
    expect((await pawl.stats()).runs.waiting).toBe(2);
  });

  test('wants a condition, an action that there is, a token, and a yes', async () => {
    const { get, post } = pagesOf();
    expect((await get('/bulk?action=cancel'))[1]).toContain('has no condition');
    expect((await get('/bulk?action=explode&id=up'))[1]).toContain('Choose one of retry');
    const [, page] = await get('/bulk?action=cancel&id=up-2');
    const fields = fieldsOf(page);
    expect(await post('/bulk', { ...fields, token: 'x' })).toEqual([403, expect.anything()]);
    expect(await post('/bulk', fields)).toEqual([400, expect.stringContaining('was not ticked')]);
    expect(await post('/bulk', { ...fields, sure: 'yes', counted: '' })).toEqual([
      400,
      expect.stringContaining('nothing was done'),
    ]);
    expect(await post('/bulk', { ...fields, sure: 'yes', id: '' })).toEqual([
      400,
      expect.stringContaining('has no condition'),
    ]);
    expect((await pawl.run('up-2').info()).status).toBe('waiting');
  });

  test('is about the runs that were counted, and keeps who asked and why', async () => {
    const { get, post } = pagesOf();
    const fields = fieldsOf((await get('/bulk?action=pause&id=up-'))[1]);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await pawl.start(upload, {}, { id: 'up-later' });
    await expect.poll(async () => (await pawl.run('up-later').info()).status).toBe('waiting');
    const [status, page] = await post('/bulk', { ...fields, reason: 'deploy' });
    expect([status, page]).toEqual([200, expect.stringContaining('2 runs were paused.')]);
    const paused = async (id: string): Promise<boolean> => (await pawl.run(id).info()).paused;
    expect(await Promise.all(['up-1', 'up-2', 'up-later'].map(paused))).toEqual([
      true,
      true,
      false,
    ]);
    const resume = fieldsOf((await get('/bulk?action=resume&id=up-'))[1]);
    expect((await post('/bulk', resume))[1]).toContain('2 runs were resumed.');
    expect(await paused('up-1')).toBe(false);
  });

  test('retry is of failed runs alone, resume of the others', async () => {
    const { get } = pagesOf();
    expect((await get('/bulk?action=retry&workflow=upload'))[1]).toContain('<b>2 runs</b>');
    const [, page] = await get('/bulk?action=resume&workflow=upload&status=failed');
    expect(page).toContain('<b>0 runs</b>');
    expect(page).not.toContain('<form method="post"');
  });

  test('runs that were chosen are meant by their ids, counted first, and not one more', async () => {
    const { get, post } = pagesOf();
    const [, list] = await get('/runs?id=up-');
    expect(list).toMatch(
      /<input type="checkbox" class="choose" form="chosen" name="run" value="up-1"/,
    );
    expect(list).toContain('<form id="chosen" class="chosen" method="get" action="/bulk">');
    const [status, page] = await get('/bulk?run=up-1&run=bad-2&run=nobody&action=pause');
    expect(status).toBe(200);
    expect(page).toContain('2 of 3 chosen runs');
    expect(page).toContain('<b>1 run</b> would be paused');
    expect(page).toContain('pawl runs pause up-1 bad-2 nobody');
    expect((await pawl.run('up-1').info()).paused).toBe(false);
    const token = fieldsOf(page)['token'] ?? '';
    const fields = { token, action: 'pause', run: 'up-1', reason: 'one of them' };
    expect((await post('/bulk', fields))[1]).toContain('1 run was paused.');
    expect((await pawl.run('up-1').info()).paused).toBe(true);
    expect((await pawl.run('up-2').info()).paused).toBe(false);
    expect((await post('/bulk', { ...fields, action: 'resume' }))[1]).toContain(
      '1 run was resumed',
    );
    // A retry is of failed runs alone.
    expect((await get('/bulk?run=up-1&action=retry'))[1]).toContain('<b>0 runs</b>');
    expect(await post('/bulk', { ...fields, action: 'cancel' })).toEqual([
      400,
      expect.stringContaining('was not ticked'),
    ]);
    expect((await get('/bulk?run=%3Cb%3E&action=pause'))[0]).toBe(400);
  });

  test('a read-only page offers none of it, and refuses it', async () => {
    const { get, post } = pagesOf({ readOnly: true });
    expect((await get('/runs?id=up'))[1]).not.toMatch(/Act on all|id="chosen"|checkbox/);
    expect((await get('/bulk?action=cancel&id=up'))[0]).toBe(403);
    expect((await post('/bulk', { action: 'cancel', id: 'up', sure: 'yes' }))[0]).toBe(403);
    const { get: some } = pagesOf({ actions: ['pause'] });
    expect((await some('/runs?id=up'))[1]).toContain('action=pause');
    expect((await some('/runs?id=up'))[1]).not.toContain('action=delete');
    expect((await some('/bulk?action=delete&id=up'))[0]).toBe(403);
  });
});
