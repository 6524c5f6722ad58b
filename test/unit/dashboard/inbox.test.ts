// Goal: what runs wait for is answered from a page without a script, checked by the schema, and who comes second is told.
// Method: the page, and forms that are sent as a browser does it, over the memory store.
import { expect, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { dashboard, type DashboardOptions } from 'pawl/dashboard';
import { z } from 'zod';
import { memoryPawl } from '../../support/memory.ts';

const refund = defineWorkflow({
  name: 'refund',
  signals: {
    approval: z.object({
      callId: z.string(),
      ok: z.boolean(),
      cents: z.number().optional(),
      why: z.enum(['price', 'quality']).optional(),
    }),
    other: z.unknown(),
  },
  signalKeys: { approval: 'callId' },
  run: (ctx) =>
    Promise.all(
      ['c1', 'c2'].map((key) =>
        ctx.waitFor('approval', {
          key,
          label: `Refund of ${key}`,
          form: { callId: [key], ok: 'boolean', cents: 'number', why: ['price', 'quality'] },
        }),
      ),
    ),
});
const plain = defineWorkflow({
  name: 'plain',
  signals: { yes: z.null(), no: z.object({ why: z.string() }) },
  run: (ctx) => ctx.waitForAny(['yes', 'no']),
});

const headers = { host: '127.0.0.1:4777' };
const origin = `http://${headers.host}`;

function pagesOf(pawl: Pawl, options: DashboardOptions = {}) {
  const pages = dashboard(pawl, { readOnly: false, actor: 'ada', ...options });
  let token: string | undefined;
  const get = async (path: string): Promise<string> =>
    (await pages.fetch(new Request(origin + path, { headers }))).text();
  const answer = async (run: string, fields: Record<string, string>): Promise<[number, string]> => {
    // As a person does who has the page open while others answer.
    token ??= /name="token" value="([^"]*)"/.exec(await get('/inbox'))?.[1];
    const sent = await pages.fetch(
      new Request(`${origin}/runs/${run}/answer`, {
        method: 'POST',
        headers: { ...headers, origin, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ token: token ?? '', ...fields }),
      }),
    );
    return [sent.status, sent.headers.get('location') ?? (await sent.text())];
  };
  return { get, answer };
}

async function parked(pawl: Pawl, id: string): Promise<void> {
  await expect.poll(async () => (await pawl.run(id).info()).status).toBe('waiting');
}

test('each wait has its form, and an answer is taken once', async () => {
  await using pawl = memoryPawl().pawl;
  pawl.worker({ workflows: [refund] });
  const run = await pawl.start(refund, undefined, { id: 'r1' });
  await parked(pawl, 'r1');
  const { get, answer } = pagesOf(pawl, { workflows: [refund] });
  const page = await get('/inbox');
  for (const text of ['Refund of c1', 'Refund of c2', 'key <bdi>c1</bdi>', 'name="number:cents"'])
    expect(page).toContain(text);
  expect(page.match(/<form method="post"/g)).toHaveLength(2);
  expect(page).not.toMatch(/<script(?! src="\/pages\.js\?)/);
  expect(await get('/inbox?signal=approval&key=c2')).not.toContain('Refund of c1');
  expect(await get('/inbox?workflow=other')).toContain('No run waits for an answer.');

  const fields = { wait: 'wait:approval:c2', 'text:callId': 'c2', 'boolean:ok': 'no' };
  expect(await answer('r1', { ...fields, 'number:cents': 'x' })).toEqual([
    400,
    expect.stringContaining('cents is not a number; nothing was sent.'),
  ]);
  expect(await answer('r1', { ...fields, 'text:why': 'taste' })).toEqual([
    400,
    expect.stringContaining('signal approval.why'),
  ]);
  const good = { ...fields, 'number:cents': '4.5', 'text:why': '' };
  expect(await answer('r1', good)).toEqual([303, '/inbox?done=answer']);
  const [status, said] = await answer('r1', good);
  expect([status, said]).toEqual([409, expect.stringContaining('ada was first')]);
  await run.answer('wait:approval:c1', { callId: 'c1', ok: true });
  expect(await run.result()).toEqual([
    { callId: 'c1', ok: true },
    { callId: 'c2', ok: false, cents: 4.5 },
  ]);
  expect(await get('/inbox')).toContain('No run waits for an answer.');
});

test('without a form the answer is JSON, and one of several signals is chosen', async () => {
  await using pawl = memoryPawl().pawl;
  pawl.worker({ workflows: [plain] });
  const run = await pawl.start(plain, undefined, { id: 'r1' });
  await parked(pawl, 'r1');
  const { get, answer } = pagesOf(pawl);
  expect(await get('/inbox')).toContain('<textarea name="payload">null</textarea>');
  const wait = 'wait:any:yes,no';
  expect((await answer('r1', { wait, signal: 'no', payload: '{' }))[0]).toBe(400);
  expect((await answer('r1', { wait, signal: 'maybe', payload: '1' }))[0]).toBe(400);
  expect((await answer('r1', { wait, signal: 'no', payload: '{"why":"late"}' }))[0]).toBe(303);
  expect(await run.result()).toEqual({ name: 'no', payload: { why: 'late' } });
});

test('a read-only page shows the waits, and takes no answer', async () => {
  await using pawl = memoryPawl().pawl;
  pawl.worker({ workflows: [plain] });
  await pawl.start(plain, undefined, { id: 'r1' });
  await parked(pawl, 'r1');
  const { get, answer } = pagesOf(pawl, { readOnly: true });
  expect(await get('/inbox')).toContain('wait:any:yes,no');
  expect(await get('/inbox')).not.toContain('method="post"');
  expect((await answer('r1', { wait: 'wait:any:yes,no', payload: '1' }))[0]).toBe(403);
  expect(JSON.parse(await get('/inbox.json'))).toMatchObject({
    items: [{ run: 'r1', wait: 'wait:any:yes,no', signals: ['yes', 'no'], paused: false }],
  });
});
