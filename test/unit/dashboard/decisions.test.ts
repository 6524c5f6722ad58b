// Goal: an undo that has failed is found on the inbox page and on the run's page, and is settled by a form of either; a
// form that says nonsense changes nothing. Method: the pages, and forms sent as by a browser, over the memory store.
import { expect, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { dashboard, type DashboardOptions } from 'pawl/dashboard';
import { memoryPawl } from '../../support/memory.ts';

const headers = { host: '127.0.0.1:4777' };
const origin = `http://${headers.host}`;

const trip = defineWorkflow({
  name: 'trip',
  async run(ctx) {
    await ctx.step('<b>flight', () => 1, {
      undo: { run: () => Promise.reject(new Error('desk closed')), retry: { attempts: 1 } },
    });
    throw new Error('no seats');
  },
});

function pagesOf(pawl: Pawl, options: DashboardOptions = {}) {
  const pages = dashboard(pawl, { readOnly: false, actor: 'ada', ...options });
  const get = async (path: string): Promise<string> =>
    (await pages.fetch(new Request(origin + path, { headers }))).text();
  const decide = async (run: string, fields: Record<string, string>): Promise<number> => {
    const token = /name="token" value="([^"]*)"/.exec(await get('/inbox'))?.[1] ?? '';
    const sent = await pages.fetch(
      new Request(`${origin}/runs/${run}/decide`, {
        method: 'POST',
        headers: { ...headers, origin, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ token, ...fields }),
      }),
    );
    return sent.status;
  };
  return { get, decide };
}

test('a failed undo has a form on both pages, and a decision ends the run', async () => {
  await using pawl = memoryPawl().pawl;
  pawl.worker({ workflows: [trip] });
  const run = await pawl.start(trip, undefined, { id: 'r1' });
  await expect.poll(async () => (await run.info()).waits[0]?.kind).toBe('undo');
  const { get, decide } = pagesOf(pawl);
  for (const path of ['/inbox', '/inbox?workflow=trip', '/runs/r1']) {
    const page = await get(path);
    expect(page, path).toContain('&lt;b&gt;flight ›› undo');
    expect(page, path).toContain('action="/runs/r1/decide"');
    expect(page, path).not.toContain('<b>flight');
  }
  expect(await get('/inbox')).toContain('This could not be undone');
  expect(await get('/inbox?signal=go')).not.toContain('flight');
  expect(await get('/inbox?workflow=other')).not.toContain('flight');
  expect(await pagesOf(pawl, { actions: ['answer'] }).get('/inbox')).not.toContain(
    '<form method="post"',
  );

  const effect = '<b>flight ›› undo';
  // Neither answer is chosen for anybody: a form that is sent as it is says nothing.
  expect(await get('/runs/r1')).toMatch(/<select name="decide" required>\s*<option value="">/);
  for (const bad of [
    { effect },
    { effect, decide: '' },
    { effect, decide: 'never' },
    { decide: 'retry' },
  ]) {
    expect(await decide('r1', bad as Record<string, string>)).toBe(400);
  }
  expect(await decide('r1', { effect, decide: 'done', result: '{' })).toBe(400);
  expect((await run.info()).status).toBe('waiting');
  expect(await decide('r1', { effect, decide: 'done', result: '"by hand"' })).toBe(303);
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no seats');
  expect(await get('/inbox')).not.toContain('flight');
});
