// Goal: while Redis is away each page says so, and what to do; it comes back by itself. Method: Chromium, and a Redis of
// its own that is killed and started again.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RedisServer, startRedisServer } from '../../src/testing/redis-server.ts';
import { killChildren } from '../support/child.ts';
import { type Look, TestBrowser } from './browser.ts';
import { untilStatus } from './scenes.ts';
import { Stage } from './stage.ts';
import { invoice } from './workflows.ts';

let redis: RedisServer;
let stage: Stage;
let browser: TestBrowser;
let url: string;

beforeAll(async () => {
  [redis, browser] = await Promise.all([
    startRedisServer({ config: { appendfsync: 'always' } }),
    TestBrowser.open(),
  ]);
  stage = await Stage.open(redis.url, { workers: 1 });
  url = await stage.serve();
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
  await killChildren();
  await redis?.stop();
});

const input = { customer: 'Ada', pages: 1, paceMs: 10, mayFail: false };
const paths = [
  '/runs/away-1',
  '/runs',
  '/overview',
  '/failures',
  '/inbox',
  '/queues',
  '/workers',
  '/recoveries',
  '/schedules',
  '/deletions',
  '/bulk?action=pause&workflow=invoice',
];

test('pages that are open say it and go on; pages that are opened meanwhile load themselves', async () => {
  const run = await stage.pawl.start(invoice, input, { id: 'away-1' });
  await untilStatus(run, 'waiting');
  const open = await Promise.all(
    ['/runs', '/runs/away-1', '/health'].map((path) => browser.look(url + path)),
  );
  await Promise.all(open.map(({ page }) => page.locator('.is-live').waitFor()));
  await redis.kill();
  const [list, one, health] = open as [Look, Look, Look];
  await list.page.locator('#live', { hasText: 'The store does not answer' }).waitFor();
  await one.page.locator('#live', { hasText: 'trying again' }).waitFor();
  await health.page.locator('[data-part=rows]', { hasText: 'it does not answer' }).waitFor();
  // What was read before is still there.
  expect(await list.page.locator('tr[data-key=away-1]').count()).toBe(1);
  const refused = await Promise.all(paths.map((path) => browser.look(url + path)));
  for (const [i, { page }] of refused.entries()) {
    const said = await page.locator('main').innerText();
    expect(said, paths[i]).toContain('Redis does not answer');
    expect(said, paths[i]).toContain(`127.0.0.1:${redis.port}`);
    expect(said, paths[i]).toContain('pawl doctor');
    expect(said, paths[i]).toContain('loads itself again');
  }
  await redis.restart();
  await Promise.all(
    refused.map(async ({ page }, i) => {
      await page.locator('nav a[aria-current=page]').waitFor();
      expect(await page.locator('main').innerText(), paths[i]).not.toContain('does not answer');
    }),
  );
  const next = await stage.pawl.start(invoice, input, { id: 'away-2' });
  await list.page.locator('tr[data-key=away-2]').waitFor();
  await untilStatus(next, 'waiting');
  await run.signal('approval', { approved: true, by: 'kim' });
  await one.page.locator('.headline .status.completed').waitFor();
  await health.page.locator('[data-part=rows]', { hasText: 'one call took' }).waitFor();
});
