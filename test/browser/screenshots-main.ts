/**
 * `npm run screenshots`: takes pictures of the pages into docs/img, over a Redis and worker processes of its own, some of
 * which it kills. Light and dark, for a desktop and for a telephone. `-- run-timeline --into /tmp/x` takes those whose name
 * begins so, elsewhere.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { killChildren } from '../support/child.ts';
import { launch } from './chromium.ts';
import { withPalette } from './palette-png.ts';
import {
  atNode,
  inDoubt,
  kept,
  late,
  pastHour,
  takenOver,
  talking,
  untilStatus,
  withChildren,
} from './scenes.ts';
import { looks, pictureName, type Shot, shots, shown } from './shots.ts';
import { Stage } from './stage.ts';
import { business } from './workflows.ts';

const widths = { desktop: 1100, phone: 360 } as const;
/** Of a page that comes into view by itself: as high as it is, within these. */
const heights = { desktop: [320, 1000], phone: [320, 1150] } as const;
/** Of a page that is scrolled to a part of it. */
const partHeights = { desktop: 900, phone: 800 } as const;

async function setScene(stage: Stage, url: string): Promise<void> {
  await late(stage, () => fetch(`${url}/overview`));
  await pastHour(stage);
  await kept(stage);
  await Promise.all([atNode(stage, shown.graph), withChildren(stage, shown.parent)]);
  await inDoubt(stage, shown.doubt);
  await takenOver(stage, shown.invoice);
  await talking(stage, shown.chat, 4_000);
}

/** What was done for a picture is done again for the next one. */
async function asBefore({ pawl }: Stage): Promise<void> {
  await Promise.all([shown.parent, shown.graph].map((id) => pawl.run(id).resume()));
  await untilStatus(pawl.run(shown.failed), 'failed');
}

async function doDeeds(page: Page, { deeds = [] }: Shot): Promise<void> {
  for (const deed of deeds) {
    if (deed === 'wait') {
      // The page is read again meanwhile: what it shows then is what is kept of it.
      await page.waitForTimeout(2_500);
    } else if (deed === 'open the first row') {
      await page.locator('[data-rows] a').first().click();
      await page.waitForURL(/group=/, { waitUntil: 'load' });
    } else if (deed === 'send the form') {
      await page.locator('main .acts form button').first().click();
      await page.locator('.said, tr[data-key=presence]').first().waitFor();
    } else {
      await page
        .locator(deed.scrollTo)
        .evaluate((element: { scrollIntoView: () => void }) => element.scrollIntoView());
    }
  }
}

async function shoot(
  browser: Browser,
  url: string,
  all: readonly Shot[],
  into: string,
  prepare: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  for (const look of looks) {
    await prepare();
    const { scheme, screen } = look;
    const context = await browser.newContext({ colorScheme: scheme, reducedMotion: 'reduce' });
    const page = await context.newPage();
    const width = widths[screen];
    for (const shot of all) {
      const isPart = shot.deeds?.some((deed) => typeof deed === 'object') ?? false;
      const [least, most] = heights[screen];
      await page.setViewportSize({ width, height: isPart ? partHeights[screen] : least });
      await page.goto(url + shot.path, { waitUntil: 'load' });
      await page.waitForTimeout(700);
      await doDeeds(page, shot);
      if (!isPart) {
        const height = await page
          .locator('html')
          .evaluate((element: { readonly scrollHeight: number }) => element.scrollHeight);
        await page.setViewportSize({ width, height: Math.min(height, most) });
      }
      const file = join(into, pictureName(shot, look));
      await writeFile(file, withPalette(await page.screenshot()));
      process.stdout.write(`${file}\n`);
    }
    await context.close();
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { into: { type: 'string' } },
});
const [beginning = ''] = positionals;
const into = values.into ?? fileURLToPath(new URL('../../../docs/img', import.meta.url));
await mkdir(into, { recursive: true });
const browser = await launch();
const redis = await startRedisServer();
try {
  await using stage = await Stage.open(redis.url, {
    workers: 0,
    prefix: 'pawl',
    workflows: business,
  });
  const url = await stage.serve();
  await setScene(stage, url);
  const wanted = (all: readonly Shot[]): readonly Shot[] =>
    all.filter(({ name }) => name.startsWith(beginning));
  await shoot(browser, url, wanted(shots.looking), into);
  await shoot(browser, url, wanted(shots.acting), into, () => asBefore(stage));
  await redis.kill();
  await shoot(browser, url, wanted(shots.away), into);
} finally {
  await browser.close();
  await killChildren();
  await redis.stop();
}
