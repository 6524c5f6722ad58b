// Goal: what can be done from a run's page is done once, only when it is meant, only where it is allowed, and leaves other
// runs alone. Method: forms as a browser sends them, over the memory store.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineWorkflow, type Pawl, type RunHandle } from 'pawl';
import { dashboard, type DashboardOptions } from 'pawl/dashboard';
import { z } from 'zod';
import { memoryPawl } from '../../support/memory.ts';

const sum = defineWorkflow({
  name: 'sum',
  state: z.object({
    total: z.number().default(0),
    words: z.array(z.string()).default([]),
    seen: z.instanceof(Date).default(() => new Date(0)),
    note: z.string().max(5).default(''),
  }),
  events: { added: z.object({ by: z.number() }) },
  reduce: { added: (state, { by }) => ({ ...state, total: state.total + by }) },
  signals: { go: z.unknown() },
  async run(ctx) {
    for (let i = ctx.state.total; i < 3; i++) await ctx.emit('added', { by: 1 });
    await ctx.checkpoint({ label: 'three' });
    await ctx.waitFor('go');
    return ctx.state.total;
  },
});
const doubtful = defineWorkflow({
  name: 'doubtful',
  run: (ctx) =>
    ctx.effect('charge', () => Promise.reject(new Error('no answer')), { onDoubt: 'ask' }),
});
const failing = defineWorkflow({
  name: 'failing',
  run: () => Promise.reject(new Error('whole', { cause: new TypeError('the cause') })),
});
const workflows = [sum, doubtful, failing];

const headers = { host: '127.0.0.1:4777' };
const origin = `http://${headers.host}`;

function pagesOf(pawl: Pawl, options: DashboardOptions = {}) {
  const pages = dashboard(pawl, { readOnly: false, actor: 'ada', workflows, ...options });
  const get = async (path: string): Promise<[number, string]> => {
    const answer = await pages.fetch(new Request(origin + path, { headers }));
    return [answer.status, await answer.text()];
  };
  const post = async (
    path: string,
    fields: Record<string, string> = {},
  ): Promise<[number, string]> => {
    const [, page] = await get('/runs/r1');
    const token = /name="token" value="([^"]*)"/.exec(page)?.[1] ?? 'none';
    const sent = await pages.fetch(
      new Request(origin + path, {
        method: 'POST',
        headers: { ...headers, origin, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ token, ...fields }),
      }),
    );
    return [sent.status, sent.headers.get('location') ?? (await sent.text())];
  };
  const json = async (path: string): Promise<unknown> => JSON.parse((await get(path))[1]);
  return { get, post, json };
}

let pawl: Pawl;

async function until(run: Pick<RunHandle, 'info'>, status: string): Promise<void> {
  while ((await run.info()).status !== status) await new Promise((go) => setTimeout(go, 5));
}

beforeAll(async () => {
  ({ pawl } = memoryPawl());
  pawl.worker({ workflows });
  const runs = await Promise.all([
    pawl.start(sum, undefined, { id: 'r1' }),
    pawl.start(doubtful, undefined, { id: 'd1' }),
    pawl.start(failing, undefined, { id: 'f1' }),
  ]);
  await Promise.all([
    until(runs[0], 'waiting'),
    until(runs[1], 'failed'),
    until(runs[2], 'failed'),
  ]);
  // Whether it happened is asked before the body would run again.
  await runs[1].resume();
  await until(runs[1], 'waiting');
});

afterAll(() => pawl.close({ graceMs: 100 }));

async function fingerprint(id: string): Promise<string> {
  const lines: string[] = [];
  for await (const line of pawl.export(id)) lines.push(line);
  return createHash('sha256').update(lines.slice(1).join('\n')).digest('hex');
}

describe('moments', () => {
  test('the page and its JSON show the state that the API gives, at each event', async () => {
    const { get, json } = pagesOf(pawl);
    const { seq } = await pawl.run('r1').info();
    for (let at = 1; at <= seq; at++) {
      const state = await pawl.run(sum, 'r1').state({ seq: at });
      expect(await json(`/runs/r1/state.json?at=${at}`)).toMatchObject({
        at: `${at}`,
        state: { total: state.total },
      });
    }
    // An event is compared with the one before; before the first there is nothing.
    for (let at = 1; at <= seq; at++) {
      const { from } = (await json(`/runs/r1/state.json?at=${at}`)) as { readonly from?: string };
      expect([at, from]).toEqual([at, at === 1 ? undefined : `${at - 1}`]);
    }
    const [, page] = await get('/runs/r1?at=5&from=2');
    expect(page).toContain('From 2 to 5');
    expect(page).toMatch(/<code>total<\/code>\s*<del>0<\/del>\s*<ins>3<\/ins>/);
    const [checkpoint] = await pawl.run('r1').checkpoints();
    const [, kept] = await get(`/runs/r1/state?at=${checkpoint?.id}`);
    expect(kept).toContain(`As checkpoint ${checkpoint?.id} keeps it.`);
    expect(kept).toContain('&quot;total&quot;: 3');
  });

  test('a moment that never was, and a page without the code, are told', async () => {
    const { get } = pagesOf(pawl);
    expect((await get('/runs/r1?at=never'))[0]).toBe(400);
    expect((await get('/runs/r1?at=99'))[1]).toContain('99 is not in the log');
    const [status, page] = await pagesOf(pawl, { workflows: [] }).get('/runs/r1?at=2');
    expect([status, page]).toEqual([200, expect.stringContaining('does not know the code of sum')]);
  });

  test('an error is shown from its cause on', async () => {
    const [, page] = await pagesOf(pawl).get('/runs/f1');
    expect(page.indexOf('the cause')).toBeGreaterThan(0);
    expect(page.indexOf('the cause')).toBeLessThan(page.indexOf('which led to'));
  });
});

describe('a fork', () => {
  test('begins with the edited state, and the parent is what it was, to the last byte', async () => {
    const { get, post } = pagesOf(pawl);
    const before = await fingerprint('r1');
    const [, form] = await get('/runs/r1/fork?at=4');
    expect(form).toContain('name="number:total" value="2"');
    expect(form).toContain('name="json:seen"');
    const fields = {
      at: '4',
      id: 'fork-1',
      'number:total': '40',
      'json:words': '["new"]',
      'text:note': '',
    };
    expect(await post('/runs/r1/fork', fields)).toEqual([303, '/runs/fork-1?done=fork']);
    const fork = pawl.run(sum, 'fork-1');
    await expect.poll(async () => (await fork.info()).status).toBe('waiting');
    expect(await fork.state()).toEqual({
      total: 40,
      words: ['new'],
      // Not touched, though no form could say it.
      seen: new Date(0),
      note: '',
    });
    expect(await fingerprint('r1')).toBe(before);
    expect((await get('/runs/fork-1?done=fork'))[1]).toContain('has not changed');
  });

  test('is refused by the schema of the state, and for what is taken', async () => {
    const { post } = pagesOf(pawl);
    const long = await post('/runs/r1/fork', { at: '4', 'text:note': 'too long', id: 'fork-2' });
    expect(long).toEqual([400, expect.stringContaining('state.note')]);
    expect((await post('/runs/r1/fork', { at: '99' }))[0]).toBe(400);
    expect((await post('/runs/r1/fork', { at: '4', 'number:total': 'many' }))[0]).toBe(400);
    expect((await post('/runs/r1/fork', { at: '4', id: 'd1' }))[0]).toBe(409);
    await expect(pawl.run('fork-2').info()).rejects.toThrow('no run');
  });

  test('needs the code', async () => {
    const { get } = pagesOf(pawl, { workflows: [] });
    expect(await get('/runs/r1/fork')).toEqual([400, expect.stringContaining('needs its code')]);
    expect((await get('/runs/r1'))[1]).not.toContain('Fork…');
  });
});

test('what destroys is asked about, and not done without an answer', async () => {
  await pawl.start(sum, undefined, { id: 'gone' });
  await expect.poll(async () => (await pawl.run('gone').info()).status).toBe('waiting');
  const { get, post } = pagesOf(pawl);
  expect((await get('/runs/gone'))[1]).toContain('Yes, end run gone.');
  expect(await post('/runs/gone/cancel')).toEqual([
    400,
    expect.stringContaining('nothing was done'),
  ]);
  expect(await post('/runs/gone/delete')).toEqual([
    400,
    expect.stringContaining('nothing was done'),
  ]);
  expect((await pawl.run('gone').info()).status).toBe('waiting');
  const sure = { sure: 'yes', reason: 'a test' };
  expect(await post('/runs/gone/cancel', sure)).toEqual([303, '/runs/gone?done=cancel']);
  await expect.poll(async () => (await pawl.run('gone').info()).status).toBe('cancelled');
  expect(await post('/runs/gone/delete', sure)).toEqual([303, '/runs?done=delete']);
  expect((await get('/runs?done=delete'))[1]).toContain('The run was deleted');
  expect((await get('/runs?done=<b>'))[1]).not.toContain('role="status"');
  expect((await pawl.deletions()).deletions[0]).toMatchObject({ actor: 'ada', reason: 'a test' });
});

test('a doubt is decided, and a run that failed tries again', async () => {
  const { get, post } = pagesOf(pawl);
  expect((await get('/runs/d1'))[1]).toContain('Decide about <bdi>charge</bdi>');
  const decision = { effect: 'charge', decide: 'done', result: '{"receipt":17}' };
  expect((await post('/runs/d1/decide', { ...decision, result: '{' }))[0]).toBe(400);
  expect(await post('/runs/d1/decide', decision)).toEqual([303, '/runs/d1?done=decide']);
  expect(await pawl.run('d1').result()).toEqual({ receipt: 17 });
  expect(await post('/runs/f1/retry')).toEqual([303, '/runs/f1?done=retry']);
  expect((await post('/runs/r1/resume'))[0]).toBe(400);
});

test('a read-only page offers nothing, and its server refuses each action', async () => {
  const { get, post } = pagesOf(pawl, { readOnly: true });
  const [, page] = await get('/runs/r1');
  expect(page).not.toContain('method="post"');
  expect(page).not.toMatch(/Fork(?!ed)/);
  for (const action of ['signal', 'decide', 'resume', 'retry', 'pause', 'fork', 'cancel', 'delete'])
    expect((await post(`/runs/r1/${action}`, { sure: 'yes' }))[0], action).toBe(403);
  expect((await get('/runs/r1/fork'))[0]).toBe(403);
});
