// Goal: what the host hides is on no page, in no JSON, no stream, no difference and no form; and a form that showed it does
// not write it back. Method: a secret in every place that workflows write to, over the memory store.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, type Pawl, type RunHandle } from 'pawl';
import { dashboard, hideFields } from 'pawl/dashboard';
import { memoryPawl } from '../../support/memory.ts';

const secret = 'IBAN-4711';
const account = z.object({ iban: z.string(), city: z.string() });
const bank = defineWorkflow({
  name: 'bank',
  input: account,
  state: z.object({
    iban: z.string().optional(),
    note: z.string().optional(),
    of: z.unknown().optional(),
  }),
  signals: { go: z.unknown() },
  outputs: { lines: z.object({ iban: z.string() }) },
  async run(ctx, { iban, city }) {
    await ctx.set({ iban, note: 'a', of: new Map([['iban', { iban }]]) });
    await ctx.step('look', async () => ({ iban, city }));
    await ctx.output('lines').write({ iban });
    await ctx.checkpoint({ label: 'kept', metadata: { iban } });
    await ctx.set({ note: 'b' });
    if (city === 'nowhere') throw Object.assign(new Error('no city'), { iban });
    await ctx.waitFor('go');
    return { iban };
  },
});

let pawl: Pawl;
let run: Pick<RunHandle, 'info'>;
let pages: ReturnType<typeof dashboard>;

async function ask(path: string, init: RequestInit = {}): Promise<string> {
  const headers = {
    host: '127.0.0.1',
    'sec-fetch-site': 'same-origin',
    ...(init.headers as Record<string, string>),
  };
  return (await pages.fetch(new Request(`http://127.0.0.1${path}`, { ...init, headers }))).text();
}

beforeAll(async () => {
  pawl = memoryPawl().pawl;
  await pawl.worker({ workflows: [bank], beatMs: 50 }).ready();
  run = await pawl.start(bank, { iban: secret, city: 'Oslo' }, { id: 'r' });
  const failed = await pawl.start(bank, { iban: secret, city: 'nowhere' }, { id: 'f' });
  await expect(failed.result()).rejects.toThrow();
  while ((await run.info()).status !== 'waiting') await sleep(10);
  const options = { readOnly: false, workflows: [bank] };
  pages = dashboard(pawl, { ...options, redact: hideFields('IBAN') });
});

afterAll(async () => {
  await pawl.close({ graceMs: 100 });
});

test('a secret is nowhere, and the rest is', async () => {
  const { seq } = await run.info();
  const paths = [
    '/runs',
    '/runs.json',
    '/inbox.json',
    '/overview',
    '/failures',
    '/failures.json',
    ...['r', 'f'].flatMap((id) => [
      `/runs/${id}`,
      `/runs/${id}.json`,
      `/runs/${id}/now`,
      `/runs/${id}/state?at=${seq}&from=1`,
      `/runs/${id}/state.json?at=${seq}&from=1`,
      `/runs/${id}/fork`,
      ...Array.from({ length: 8 }, (_, i) => `/runs/${id}/events/${i + 1}.json`),
    ]),
    '/runs/f/live?after=0',
    '/runs/f/output?after=0',
  ];
  for (const path of paths) {
    const text = await ask(path);
    expect([path, text.includes(secret)]).toEqual([path, false]);
    if (path.startsWith('/runs/r/state')) expect(text).toContain('[hidden]');
  }
  expect(await ask('/runs/r.json')).toContain('Oslo');
  expect(await ask('/runs/f/output?after=0')).toContain('[hidden]');
});

test('a fork keeps what was hidden, and refuses to write over a part of it', async () => {
  const page = await ask('/runs/r/fork');
  const token = /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const at = /name="at" value="(\d+)"/.exec(page)?.[1] ?? '';
  const texts = Object.fromEntries(
    [...page.matchAll(/name="((?:text|json):[^"]+)"(?: value="([^"]*)"|[^>]*>([^<]*)<)/g)].map(
      ([, name = '', value, area]) => [name, (value ?? area ?? '').replaceAll('&quot;', '"')],
    ),
  );
  const send = (fields: Readonly<Record<string, string>>): Promise<string> =>
    ask('/runs/r/fork', {
      method: 'POST',
      body: new URLSearchParams({ token, at, ...texts, ...fields }),
    });
  await send({ id: 'kept', 'text:note': 'c' });
  const state = await pawl.run(bank, 'kept').state();
  expect(state).toMatchObject({
    iban: secret,
    note: 'c',
    of: new Map([['iban', { iban: secret }]]),
  });
  expect(await send({ id: 'lost', 'text:iban': '[hidden]!' })).toContain('hidden in part');
  await expect(pawl.run('lost').info()).rejects.toThrow();
});

test('a field is hidden wherever it stands, and what is no plain value stays as it is', () => {
  const hide = hideFields('iban');
  const about = { kind: 'state', run: 'r' } as const;
  const at = new Date(0);
  const bare = Object.assign(Object.create(null) as object, { iban: secret, city: 'Oslo' });
  const given = {
    list: [{ iban: secret }],
    set: new Set([{ IBAN: secret }]),
    map: new Map<string, unknown>([
      ['iban', secret],
      ['more', { iban: secret }],
    ]),
    bare,
    at,
  };
  expect(hide(given, about)).toEqual({
    list: [{ iban: '[hidden]' }],
    set: new Set([{ IBAN: '[hidden]' }]),
    map: new Map<string, unknown>([
      ['iban', '[hidden]'],
      ['more', { iban: '[hidden]' }],
    ]),
    bare: { iban: '[hidden]', city: 'Oslo' },
    at,
  });
  expect(given.list).toEqual([{ iban: secret }]);
});

test('a function that fails shows nothing', async () => {
  const redact = (): never => {
    throw new Error(secret);
  };
  pages = dashboard(pawl, { redact, workflows: [bank] });
  const text = await ask('/runs/r');
  expect(text).not.toContain(secret);
  expect(text).toContain('[hidden]');
});
