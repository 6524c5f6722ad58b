// Goal: the pages and their script work in a real browser. Method: one page in Chromium, over the memory store. Where there
// is no Chromium this says so; `npm run test:browser` has the rest.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { serveDashboard } from 'pawl/dashboard';
import { TestBrowser } from '../browser/browser.ts';
import { findChromium, noChromium } from '../browser/chromium.ts';
import { memoryPawl } from '../support/memory.ts';

const path = await findChromium();
if (path === undefined)
  process.stderr.write(`The pages are not tried in a browser. ${noChromium}\n`);

const wait = defineWorkflow({ name: 'wait', signals: {}, run: (ctx) => ctx.sleep('1h') });

test.skipIf(path === undefined)('a page is live, and breaks none of its own rules', async () => {
  await using pawl = memoryPawl().pawl;
  await using served = await serveDashboard(pawl, { port: 0, readOnly: false, workflows: [wait] });
  await using browser = await TestBrowser.open();
  await pawl.start(wait, undefined, { id: 'r1' });
  const { page, problems } = await browser.look(`${served.url}runs/r1`);
  await page.locator('#run.is-live').waitFor();
  pawl.worker({ workflows: [wait] });
  await page.locator('.headline .status.waiting').waitFor();
  await page.locator('#e2').waitFor();
  expect(problems).toEqual([]);
});
