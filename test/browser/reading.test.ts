// Goal: a person reads times as they want them, prints what they see, and is told where a list was cut. Method: Chromium in
// a time zone of its own over runs of real workers; a search through more runs than one page may look at.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { killChildren } from '../support/child.ts';
import { TestBrowser } from './browser.ts';
import { kept, untilStatus } from './scenes.ts';
import { Stage } from './stage.ts';
import { invoice } from './workflows.ts';

let stage: Stage;
let browser: TestBrowser;
let url: string;

beforeAll(async () => {
  [stage, browser] = await Promise.all([
    Stage.open(inject('redisUrl'), { workers: 1 }),
    TestBrowser.open(),
  ]);
  url = await stage.serve();
  const input = { customer: 'Ada', pages: 1, paceMs: 10, mayFail: false };
  const run = await stage.pawl.start(invoice, input, { id: 'read-1' });
  await Promise.all([untilStatus(run, 'waiting'), kept(stage)]);
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
  await killChildren();
});

describe('times', () => {
  /** Half an hour off, so that no other zone has the same clock by chance. */
  const zone = { timezoneId: 'Asia/Kolkata' };
  const offMs = 5.5 * 3_600_000;
  const clock = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

  test('are UTC, local or relative, as the reader chooses, on every page, also later', async () => {
    const look = await browser.look(`${url}/runs?id=read-1`, zone);
    const { page } = look;
    const at = (await stage.pawl.run('read-1').info()).createdAt.getTime();
    const shown = page.locator('tr[data-key=read-1] td[data-label=Created] time');
    const choose = page.locator('#times button');
    expect([await choose.innerText(), await shown.innerText()]).toEqual([
      'Times are UTC',
      clock(at),
    ]);
    await choose.click();
    expect([await choose.innerText(), await shown.innerText()]).toEqual([
      'Times are local',
      clock(at + offMs),
    ]);
    await page.goto(`${url}/runs/read-1`, { waitUntil: 'load' });
    const created = page.locator('[data-part=head] time').first();
    expect(await choose.innerText()).toBe('Times are local');
    expect(await created.innerText()).toContain(clock(at + offMs).slice(0, 16));
    // Times that come later are shown in the same way.
    await stage.pawl.run('read-1').signal('approval', { approved: true, by: 'kim' });
    await page.locator('.headline .status.completed').waitFor();
    const rows = page.locator('#events > li time');
    const shownAt = await rows.last().innerText();
    const ends = (await stage.pawl.run('read-1').info()).changedAt.getTime();
    expect(shownAt.slice(0, 5)).toBe(clock(ends + offMs).slice(11, 16));
    await choose.click();
    expect(await choose.innerText()).toBe('Times are relative to now');
    expect(await created.innerText()).toMatch(/^\d+ (s|min) ago$/);
    await page.goto(`${url}/schedules`, { waitUntil: 'load' });
    expect(await page.locator('td[data-label=Next] time').first().innerText()).toMatch(/^in \d+ /);
    expect(await page.locator('td[data-label=Next] time').first().getAttribute('title')).toContain(
      ' UTC, ',
    );
    await choose.click();
    expect(await choose.innerText()).toBe('Times are UTC');
    expect(look.problems).toEqual([]);
    await page.context().close();
  });

  test('are UTC without a script, and the foot says so', async () => {
    const { page } = await browser.look(`${url}/runs?id=read-1`, {
      ...zone,
      javaScriptEnabled: false,
    });
    expect(await page.locator('footer').innerText()).toContain('Times are UTC');
    await page.context().close();
  });
});

test.each(['/runs/read-1', '/runs', '/overview', '/inbox', '/workers', '/health'])(
  '%s is printed in black on white, whole, without what can only be clicked',
  async (path) => {
    const { page } = await browser.look(url + path, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const colours = await page.evaluate(
      '(({ color, backgroundColor }) => [color, backgroundColor])(getComputedStyle(document.body))',
    );
    expect(colours).toEqual(['rgb(0, 0, 0)', 'rgb(255, 255, 255)']);
    const clickable = 'nav, footer, form, button, input, select, .skip, .script-only, summary.act';
    expect(await page.locator(clickable).filter({ visible: true }).count()).toBe(0);
    expect(await page.locator('h1').isVisible()).toBe(true);
    // On paper nothing can be scrolled to.
    const hidden = await page
      .locator('main pre, main table, main .graph')
      .evaluateAll(
        (all: { scrollHeight: number; clientHeight: number; offsetHeight: number }[]) =>
          all.filter((one) => one.offsetHeight > 0 && one.scrollHeight > one.clientHeight + 2)
            .length,
      );
    expect(hidden).toBe(0);
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await page.context().close();
  },
);

test('a search that looked at as many runs as it may says so, and goes on behind them', async () => {
  // No worker knows them, so they stay as they are. Neither condition alone leaves few.
  const idle = defineWorkflow({ name: 'idle', run: () => Promise.resolve() });
  const other = defineWorkflow({ name: 'other', run: () => Promise.resolve() });
  const start = (of: typeof idle, id: string, count: number): Promise<unknown> =>
    stage.pawl.startMany(
      of,
      Array.from({ length: count }, (_, i) => ({ input: undefined, id: `${id}-${i}` })),
    );
  await start(idle, 'rare-old', 20);
  await start(idle, 'plain', 5_100);
  await start(other, 'rare-new', 600);
  const { page } = await browser.look(`${url}/runs?workflow=idle&id=rare-`);
  const notice = page.locator('main .warn', { hasText: 'as many runs as one page may' });
  await notice.waitFor();
  expect(await page.locator('main').innerText()).not.toContain('No run is like this');
  expect(await page.locator('tr[data-key]').count()).toBe(0);
  await notice.locator('a[rel=next]').click();
  await page.waitForURL(/cursor=/);
  expect(await page.locator('tr[data-key]').count()).toBe(20);
  expect(await page.locator('tr[data-key]').first().getAttribute('data-key')).toMatch(/^rare-old-/);
  expect(await notice.count()).toBe(0);
  await page.context().close();
});
