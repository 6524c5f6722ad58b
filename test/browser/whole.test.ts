// Goal: each page is whole for everybody: it loads nothing from elsewhere, breaks no rule of its own policy, axe finds
// nothing, light and dark, and it fits a telephone. Hostile names stay text. Method: Chromium over runs of real workers.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { killChildren } from '../support/child.ts';
import { type Look, TestBrowser } from './browser.ts';
import {
  atNode,
  full,
  inDoubt,
  kept,
  pastHour,
  takenOver,
  talking,
  withChildren,
} from './scenes.ts';
import { Stage } from './stage.ts';

let stage: Stage;
let browser: TestBrowser;
let url: string;

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.open(inject('redisUrl')), TestBrowser.open()]);
  url = await stage.serve({ killable: stage.killable });
  await Promise.all([atNode(stage), withChildren(stage), full(stage)]);
  await Promise.all([pastHour(stage, 120), kept(stage)]);
  await inDoubt(stage);
  await takenOver(stage);
  await talking(stage, 'chat-5', 50);
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
  await killChildren();
});

const paths = [
  '/runs/inv-7731',
  '/runs/inv-7731?at=14',
  '/runs/inv-7731/fork?at=14',
  '/runs/research-12',
  '/runs/order-9',
  '/runs/order-9-parcel-2',
  '/runs/payment-3',
  '/runs/chat-5',
  '/runs/hostile-1',
  '/overview',
  '/overview?over=7d',
  '/runs',
  '/runs?status=dead&key=nobody&within=1h',
  '/runs?status=acitve',
  '/bulk?action=cancel&workflow=invoice',
  '/bulk?action=retry&status=dead',
  '/bulk?action=pause&run=inv-7731&run=order-9',
  '/failures',
  '/inbox',
  '/queues',
  '/workers',
  '/recoveries',
  '/schedules',
  '/deletions',
  '/health',
];
/** Such a page is refused on purpose, which a console tells as well. */
const refused = '/runs?status=acitve';

/** Of the page with all that stands on it, which may be more than is seen. */
function widthOf({ page }: Look): Promise<number> {
  return page
    .locator('html')
    .evaluate((element: { readonly scrollWidth: number }) => element.scrollWidth);
}

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each(paths)('%s is whole', async (path) => {
    const look = await browser.look(url + path, { colorScheme });
    await look.page.waitForTimeout(500);
    // What is folded is a part of the page, too.
    for (const details of await look.page.locator('details:not([open])').all()) {
      if (await details.isVisible()) await details.locator('> summary').click();
    }
    expect(await look.violations()).toEqual([]);
    expect(await widthOf(look)).toBe(1280);
    const problems = path === refused ? look.problems.slice(1) : look.problems;
    expect(problems).toEqual([]);
    await look.page.context().close();
  });
});

test.each(paths)('%s fits a telephone', async (path) => {
  const look = await browser.look(url + path, { viewport: { width: 360, height: 800 } });
  expect(await widthOf(look)).toBe(360);
  await look.page.context().close();
});

test.each(paths)('%s says the same without a script', async (path) => {
  const look = await browser.look(url + path, { javaScriptEnabled: false });
  const { page } = look;
  expect(await page.locator('h1').count()).toBe(1);
  expect((await page.locator('main').innerText()).length).toBeGreaterThan(50);
  expect(await page.locator('.script-only:visible').count()).toBe(0);
  await page.context().close();
});

test('names and payloads that are hostile are text', async () => {
  const look = await browser.look(`${url}/runs/hostile-1`);
  const { page } = look;
  expect(await page.locator('script').count()).toBe(1);
  expect(await page.locator('img, u, i').count()).toBe(0);
  expect(await page.locator('#events').innerText()).toContain('<img src=x onerror=alert(1)>');
  await page
    .locator('.stream pre.alive')
    .filter({ hasText: '<script>alert(2)</script>' })
    .waitFor();
  expect(look.problems).toEqual([]);
});
