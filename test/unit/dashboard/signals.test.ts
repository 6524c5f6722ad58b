// Goal: a signal from a run's page is checked by the workflow's schema before it is sent.
// Method: forms over the memory store.
import { expect, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { dashboard } from 'pawl/dashboard';
import { z } from 'zod';
import { memoryPawl } from '../../support/memory.ts';

const refund = defineWorkflow({
  name: 'refund',
  signals: {
    approval: z.object({ callId: z.string(), approved: z.boolean() }),
    'too-late': z.null(),
  },
  run: async (ctx) => ((await ctx.waitFor('approval'))?.approved === true ? 'paid' : 'denied'),
});
const silent = defineWorkflow({ name: 'silent', run: (ctx) => ctx.sleep('1h') });

const headers = { host: '127.0.0.1:4777' };
const origin = `http://${headers.host}`;

/** The page of a run, and what becomes of its form for signals. */
async function formOf(pawl: Pawl, id: string, workflows?: readonly (typeof refund)[]) {
  const pages = dashboard(pawl, { readOnly: false, ...(workflows ? { workflows } : {}) });
  const answer = await pages.fetch(new Request(`${origin}/runs/${id}`, { headers }));
  const html = await answer.text();
  const forms = [...html.matchAll(/<form[^>]*\/signal"[\s\S]*?<\/form>/g)].map(([form]) => form);
  const token = /name="token" value="([^"]*)"/.exec(forms[0] ?? '')?.[1] ?? '';
  const post = async (fields: Readonly<Record<string, string>>): Promise<[number, string]> => {
    const sent = await pages.fetch(
      new Request(`${origin}/runs/${id}/signal`, {
        method: 'POST',
        headers: { ...headers, origin, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ token, ...fields }),
      }),
    );
    return [sent.status, await sent.text()];
  };
  const send = (name: string, payload: string): Promise<[number, string]> =>
    post({ name, payload });
  return { forms, send, post };
}

test('a page that knows the workflow offers its signals, and sends only those that fit', async () => {
  await using pawl = memoryPawl().pawl;
  const run = await pawl.start(refund, undefined, { id: 'r1' });
  const { forms, send, post } = await formOf(pawl, 'r1', [refund]);
  expect(forms.map((form) => /name="name"\s+value="([^"]*)"/.exec(form)?.[1])).toEqual([
    'approval',
    'too-late',
  ]);
  // A field for each of the schema's.
  expect(forms[0]).toContain('name="text:callId"');
  expect(forms[0]).toContain('name="boolean:approved"');
  expect(forms[1]).toContain('name="payload"');
  const half = await post({ name: 'approval', 'text:callId': 'c1', 'boolean:approved': '' });
  expect(half).toEqual([400, expect.stringContaining('signal approval.approved')]);
  const [unknown, saysUnknown] = await send('approvals', '{"callId":"c1","approved":true}');
  expect([unknown, saysUnknown]).toEqual([400, expect.stringContaining('approval, too-late')]);
  const [misfit, saysMisfit] = await send('approval', '{"callId":5}');
  expect([misfit, saysMisfit]).toEqual([400, expect.stringContaining('signal approval.callId')]);
  const fields = { name: 'approval', 'text:callId': 'c1', 'boolean:approved': 'yes' };
  expect((await post(fields))[0]).toBe(303);
  pawl.worker({ workflows: [refund] });
  expect(await run.result()).toBe('paid');
});

test('a page that does not know the workflow takes any name, and the receiver checks it', async () => {
  await using pawl = memoryPawl().pawl;
  const run = await pawl.start(refund, undefined, { id: 'r2' });
  const { forms, send } = await formOf(pawl, 'r2');
  expect(forms[0]).toContain('<input name="name" required />');
  expect((await send('approval', '{"callId":5}'))[0]).toBe(303);
  expect((await send('approval', '{"callId":"c1","approved":true}'))[0]).toBe(303);
  pawl.worker({ workflows: [refund] });
  expect(await run.result()).toBe('paid');
});

test('a run whose workflow takes no signals is offered none', async () => {
  await using pawl = memoryPawl().pawl;
  await pawl.start(silent, undefined, { id: 'r3' });
  expect((await formOf(pawl, 'r3', [silent as never])).forms).toEqual([]);
});
