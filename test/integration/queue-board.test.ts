// Goal: bull-board stands beside the pages, behind their login, and its jobs lead to their runs. Method: bull-board itself,
// over real queues; what its page asks for is asked for.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { dashboard, hideFields } from 'pawl/dashboard';
import { newPrefix, openPawl } from '../support/workers.ts';

const flaky = defineWorkflow({
  name: 'flaky',
  run: () => {
    throw new Error('card 4711 was refused');
  },
});
const base = '/admin/pawl';

let pawl: Pawl;

beforeAll(async () => {
  pawl = await openPawl(inject('redisUrl'), newPrefix());
  await pawl.worker({ workflows: [flaky] }).ready();
  const run = await pawl.start(flaky, undefined, { id: 'inv-7' });
  await expect(run.result()).rejects.toThrow();
  while ((await pawl.queues())[0]?.failed !== 1) await sleep(10);
});

afterAll(async () => {
  await pawl?.close({ graceMs: 100 });
});

type Pages = ReturnType<typeof dashboard>;

const users = [
  { name: 'ruth', password: '1', role: 'read' },
  { name: 'ada', password: '3', role: 'admin' },
] as const;

async function ask(
  pages: Pages,
  path: string,
  user: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = {
    host: 'x',
    authorization: `Basic ${btoa(user)}`,
    ...(init.headers as Record<string, string>),
  };
  return pages.fetch(new Request(`http://x${base}${path}`, { ...init, headers }));
}

const own = { 'sec-fetch-site': 'same-origin' };

describe('bull-board', () => {
  test('shows the queues and why a run failed, with the way to the run, and loads nothing from elsewhere', async () => {
    const pages = dashboard(pawl, { basePath: base, users, queueBoard: true });
    expect((await ask(pages, '/board/', 'nobody:x')).status).toBe(401);
    const page = await ask(pages, '/board/', 'ruth:1');
    const text = await page.text();
    expect(text).toContain(`<base href="${base}/board`);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const [script = ''] = /static\/js\/main\.[a-z0-9]+\.js/.exec(text) ?? [];
    const asset = await ask(pages, `/board/${script}`, 'ruth:1');
    expect([asset.status, asset.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('javascript'),
    ]);
    const answer = await ask(pages, '/board/api/queues?activeQueue=flaky&status=failed', 'ruth:1');
    const { queues } = (await answer.json()) as { queues: Record<string, unknown>[] };
    expect(queues).toMatchObject([
      {
        name: 'flaky',
        readOnlyMode: true,
        counts: { failed: 1 },
        jobs: [
          {
            name: 'resume inv-7',
            failedReason: 'Error: card 4711 was refused',
            externalUrl: { href: `${base}/runs/inv-7` },
          },
        ],
      },
    ]);
    expect(await (await ask(pages, '/queues', 'ruth:1')).text()).toContain(`${base}/board/`);
  });

  test('only an admin changes something, and only from its own page', async () => {
    const pages = dashboard(pawl, { basePath: base, users, queueBoard: true });
    const pause = (user: string, headers: Record<string, string>): Promise<Response> =>
      ask(pages, '/board/api/queues/flaky/pause', user, { method: 'PUT', headers });
    expect((await pause('ruth:1', own)).status).toBe(403);
    expect((await pause('ada:3', { origin: 'http://evil.example' })).status).toBe(403);
    expect((await pawl.queues())[0]?.paused).toBe(false);
    expect((await pause('ada:3', own)).status).toBeLessThan(300);
    expect((await pawl.queues())[0]?.paused).toBe(true);
    await pawl.bull.resume(flaky);
  });

  test('hides what the pages hide, and is not there unless it is asked for', async () => {
    const redact = (value: unknown): unknown =>
      typeof value === 'string'
        ? value.replaceAll('4711', '****')
        : hideFields('x')(value, {} as never);
    const pages = dashboard(pawl, { basePath: base, users, queueBoard: true, redact });
    const text = await (
      await ask(pages, '/board/api/queues?activeQueue=flaky&status=failed', 'ada:3')
    ).text();
    expect(text).toContain('card **** was refused');
    expect(text).not.toContain('4711');
    const none = dashboard(pawl, { basePath: base, users });
    expect((await ask(none, '/board/', 'ada:3')).status).toBe(404);
  });
});

test('the page of queues shows them, and holds one back', async () => {
  const pages = dashboard(pawl, { basePath: base, users });
  const asText = async (user: string, query = ''): Promise<string> =>
    (await ask(pages, `/queues${query}`, user)).text();
  expect(await asText('ruth:1')).not.toContain('<form');
  const page = await asText('ada:3');
  expect(page).toContain('<bdi>flaky</bdi>');
  expect(page).toContain('status=failed');
  const token = /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const post = (path: string, sent = token): Promise<Response> =>
    ask(pages, path, 'ada:3', {
      method: 'POST',
      headers: own,
      body: new URLSearchParams({ token: sent }),
    });
  expect((await post('/queues/flaky/pause', 'none')).status).toBe(403);
  expect((await post('/queues/nothing/pause')).status).toBe(404);
  expect((await post('/queues/flaky/explode')).status).toBe(404);
  const done = await post('/queues/flaky/canary');
  expect([done.status, done.headers.get('location')]).toEqual([
    303,
    `${base}/queues?done=canary-taken`,
  ]);
  expect((await post('/queues/flaky/pause')).status).toBe(303);
  expect(await asText('ruth:1', '?done=queue-pause')).toMatch(/1 queue is paused[^]*paused<\/b>/);
  const { queues } = (await (await ask(pages, '/queues.json', 'ruth:1')).json()) as {
    queues: unknown[];
  };
  expect(queues).toMatchObject([{ workflow: 'flaky', paused: true, failed: 1, workers: 1 }]);
  expect((await post('/queues/flaky/resume')).status).toBe(303);
});
