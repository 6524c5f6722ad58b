/**
 * `npm run screenshots`: takes pictures of the pages into docs/img, over a Redis and worker processes of its own. Light and
 * dark, for a desktop and for a telephone. `-- run-timeline --into /tmp/x` takes those whose name begins so, elsewhere.
 * `--all` takes pages as well whose pictures are not kept.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { killChildren } from '../support/child.ts';
import { launch } from './chromium.ts';
import { atNode, inDoubt, kept, pastHour, takenOver, talking, withChildren } from './scenes.ts';
import { Stage } from './stage.ts';

interface Shot {
  readonly name: string;
  readonly path: string;
  /** Only with `--all`: to look at, not to keep. */
  readonly isAside?: boolean;
  /** What is done before the picture is taken. */
  readonly before?: (page: Page) => Promise<void>;
}

const widths = { desktop: 1100, phone: 360 } as const;
/** Pictures of all of a long page would be as large as all the others. */
const heightMax = { desktop: 1000, phone: 1150 } as const;

async function scenes(stage: Stage): Promise<readonly Shot[]> {
  await pastHour(stage);
  await kept(stage);
  const [graph, parent] = await Promise.all([atNode(stage), withChildren(stage)]);
  const doubt = await inDoubt(stage);
  const invoice = await takenOver(stage);
  const chat = await talking(stage);
  const at = (run: { readonly id: string }, query = ''): string => `/runs/${run.id}${query}`;
  return [
    { name: 'run', path: at(invoice) },
    { name: 'run-timeline', path: at(invoice), before: scrollTo('#timeline') },
    { name: 'run-state', path: at(invoice, '?at=14#state'), before: scrollTo('#state') },
    { name: 'run-graph', path: at(graph), before: scrollTo('#graph') },
    { name: 'run-family', path: at(parent) },
    { name: 'run-failed', path: `/runs/${parent.id}-parcel-2` },
    { name: 'run-doubt', path: at(doubt) },
    { name: 'run-output', path: at(chat), before: scrollTo('#outputs') },
    { name: 'run-fork', path: at(invoice, '/fork?at=14') },
    { name: 'overview', path: '/overview', before: waitLonger },
    { name: 'runs', path: '/runs' },
    { name: 'search', isAside: true, path: '/runs?status=open&key=none&within=1h' },
    { name: 'bulk', isAside: true, path: '/bulk?action=retry&status=dead&workflow=upload' },
    { name: 'failures', path: '/failures' },
    { name: 'failure', isAside: true, path: '/failures', before: openFirst },
    { name: 'inbox', isAside: true, path: '/inbox' },
    { name: 'queues', path: '/queues' },
    { name: 'workers', path: '/workers' },
    { name: 'recoveries', path: '/recoveries', before: waitLonger },
    { name: 'schedules', isAside: true, path: '/schedules' },
    { name: 'deletions', isAside: true, path: '/deletions' },
    { name: 'health', isAside: true, path: '/health' },
  ];
}

/** The page is read again meanwhile: what it shows then is what is kept of it. */
async function waitLonger(page: Page): Promise<void> {
  await page.waitForTimeout(2_500);
}

async function openFirst(page: Page): Promise<void> {
  await page.locator('[data-rows] a').first().click();
  await page.waitForTimeout(700);
}

function scrollTo(selector: string): (page: Page) => Promise<void> {
  return async (page) => {
    await page
      .locator(selector)
      .evaluate((element: { scrollIntoView: () => void }) => element.scrollIntoView());
  };
}

async function shoot(
  browser: Browser,
  url: string,
  shots: readonly Shot[],
  into: string,
): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const screen of ['desktop', 'phone'] as const) {
      const context = await browser.newContext({
        colorScheme,
        viewport: { width: widths[screen], height: screen === 'phone' ? 800 : 900 },
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      for (const { name, path, before } of shots) {
        await page.goto(url + path, { waitUntil: 'load' });
        await page.waitForTimeout(700);
        const size = page.viewportSize() ?? { width: widths[screen], height: 900 };
        if (before === undefined) {
          const height = await page
            .locator('html')
            .evaluate((element: { readonly scrollHeight: number }) => element.scrollHeight);
          await page.setViewportSize({ ...size, height: Math.min(height, heightMax[screen]) });
        } else await before(page);
        const file = join(into, `${name}-${colorScheme}-${screen}.png`);
        await page.screenshot({ path: file });
        await page.setViewportSize(size);
        process.stdout.write(`${file}\n`);
      }
      await context.close();
    }
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { into: { type: 'string' }, all: { type: 'boolean', default: false } },
});
const [beginning = ''] = positionals;
const into = values.into ?? fileURLToPath(new URL('../../../docs/img', import.meta.url));
await mkdir(into, { recursive: true });
const browser = await launch();
const redis = await startRedisServer();
try {
  await using stage = await Stage.open(redis.url);
  const url = await stage.serve();
  const all = await scenes(stage);
  await shoot(
    browser,
    url,
    all.filter(
      ({ name, isAside = false }) => name.startsWith(beginning) && (values.all || !isAside),
    ),
    into,
  );
} finally {
  await browser.close();
  await killChildren();
  await redis.stop();
}
