/**
 * `npm run docs:look`: opens each page of the built site in Chromium, as a telephone and as a desk show it, light and dark.
 * A page must ask no other origin for anything, must have no error and all its pictures, and must not be wider than the
 * screen. The search must find things. In a drawing no word may lie over another one, under an arrow, or over the edge.
 * Needs `npm run docs:build` and a Chromium (`PAWL_CHROMIUM`).
 *
 *   node tools/site-look.mjs             checks all pages, and takes pictures of the main ones in all four forms
 *   node tools/site-look.mjs tutorial    those whose path has this, with a picture of each
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { availableParallelism } from 'node:os';
import { delimiter, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const root = new URL('..', import.meta.url).pathname;
const site = join(root, '.build/site/dist');
const pictures = join(root, '.build/site/pictures');
const [wanted] = process.argv.slice(2);

const phone = { width: 360, height: 780 };
const desk = { width: 1280, height: 900 };
const forms = [
  ['light-phone', 'light', phone],
  ['dark-phone', 'dark', phone],
  ['light-desk', 'light', desk],
  ['dark-desk', 'dark', desk],
];
/** A telephone shows each page, and each page is looked at by daylight: its width does not depend on colours. */
const [checked] = forms[0];
/** Pages of a kind of their own; those beside them look the same. */
const main = new Set(
  [
    ['', 'index', 'ARCHITECTURE', 'CHANGELOG', 'examples/index'],
    [
      'docs/',
      'index',
      'first-hour',
      'tutorial',
      'faq',
      'reference',
      'cli',
      'handbook',
      'incidents',
    ],
    ['docs/', 'deployment', 'dashboard', 'observability', 'performance', 'releases'],
    ['docs/concepts/', 'index', 'resume', 'graphs'],
    ['docs/coming-from/', 'index', 'bullmq', 'temporal'],
    ['docs/recipes/', 'index', 'kubernetes', 'prometheus', 'ai-sdk'],
    ['docs/decisions/', 'index'],
    ['docs/api/', 'index', 'pawl', 'testing'],
  ].flatMap(([folder, ...names]) => names.map((name) => `${folder}${name}.html`)),
);
/** What somebody looks for, and the page that must be among the first answers. */
const questions = [
  ['kill -9', /tutorial|first-hour|reliability|index|README/i],
  ['noeviction', /deployment|handbook|doctor|faq|incidents/],
  ['idempotencyKey', /steps-and-effects|agents|reference|saga|api/],
  ['bull-board', /bull-board/],
  ['express', /recipes\/express/],
  ['SIGTERM', /kubernetes|deploy/],
];
const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, 'http://site').pathname);
  const file = join(site, path.endsWith('/') ? `${path}index.html` : path);
  if (!file.startsWith(site) || !existsSync(file) || !statSync(file).isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-type': types[extname(file)] ?? 'text/plain' });
  response.end(readFileSync(file));
});
await new Promise((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
const origin = `http://127.0.0.1:${server.address().port}`;
const problems = [];

function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const places = (process.env.PATH ?? '').split(delimiter);
  const files = places.flatMap((folder) => names.map((name) => join(folder, name)));
  const found = process.env.PAWL_CHROMIUM ?? files.find((file) => existsSync(file));
  if (found === undefined) throw new Error('There is no Chromium here: name one by PAWL_CHROMIUM.');
  return found;
}

async function open(browser, [form, colorScheme, viewport]) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const note = (what) => problems.push(`${form} ${new URL(page.url()).pathname}: ${what}`);
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(?:data|file):/.test(url)) note(`asks ${url}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) note(`${response.status()} of ${response.url()}`);
  });
  page.on('pageerror', (error) => note(error.message));
  return { page, note };
}

/** What makes a page wider than the screen: the outermost part of it that reaches over the edge, and is not cut off. */
const widest = `(() => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return undefined;
  const isCut = (one) => one !== null && one !== document.documentElement &&
    (getComputedStyle(one).overflowX !== 'visible' || isCut(one.parentElement));
  const over = [...document.querySelectorAll('main *')].filter(
    (one) => one.getBoundingClientRect().right > edge + 1 && !isCut(one.parentElement),
  );
  const by = document.documentElement.scrollWidth - edge;
  return by + ' px wider than the screen: ' + (over.at(-1)?.textContent ?? '').trim().slice(0, 60);
})()`;
const broken =
  '[...document.images].filter((one) => one.complete && one.naturalWidth === 0).map((one) => one.src)';

/** Words of a drawing that cannot be read: over the edge, over each other, or crossed by an arrow. */
const crossed = `(() => {
  const view = document.documentElement.viewBox.baseVal;
  const words = [...document.querySelectorAll('text')].map(
    (one) => ({ text: one.textContent, box: one.getBBox() }),
  );
  const isOver = ({ x, y, width, height }) =>
    x < 0 || y < 0 || x + width > view.width || y + height > view.height;
  const both = (a, b, side, length) =>
    Math.min(a[side] + a[length], b[side] + b[length]) - Math.max(a[side], b[side]);
  const meet = (a, b) => both(a, b, 'x', 'width') > 1 && both(a, b, 'y', 'height') > 4;
  const isIn = ({ x, y }, box) =>
    x > box.x + 1 && x < box.x + box.width - 1 && y > box.y + 3 && y < box.y + box.height - 3;
  const arrows = [...document.querySelectorAll('path[marker-end], line[marker-end]')].map((one) => {
    const part = one.getTotalLength() / 60;
    return Array.from({ length: 61 }, (_, i) => one.getPointAtLength(i * part));
  });
  return words.filter(({ box }, i) =>
    isOver(box) || words.slice(i + 1).some((other) => meet(box, other.box)) ||
    arrows.some((points) => points.some((point) => isIn(point, box))),
  ).map(({ text }) => text);
})()`;

async function lookAtDrawings({ page, note }) {
  const docs = join(root, 'docs');
  const names = readdirSync(docs, { recursive: true }).filter((name) => name.endsWith('.svg'));
  for (const name of names) {
    await page.goto(pathToFileURL(join(docs, name)).href);
    for (const text of await page.evaluate(crossed)) note(`"${text}" cannot be read`);
  }
}

async function look({ page, note }, form, name) {
  await page.goto(`${origin}/${name}`, { waitUntil: 'load' });
  const isWide = await page.evaluate(widest);
  if (isWide !== undefined) note(isWide);
  const missing = await page.evaluate(broken);
  if (missing.length > 0) note(`has no picture ${missing.join(', ')}`);
  if (!(main.has(name) || wanted !== undefined)) return;
  const path = `${name.replace(/\.html$/, '').replaceAll('/', '-')}-${form}.png`;
  await page.screenshot({ path: join(pictures, path) });
}

async function ask({ page, note }) {
  await page.goto(`${origin}/index.html`);
  for (const [question, expected] of questions) {
    await page.locator('.VPNavBarSearch button').first().click();
    await page.locator('#localsearch-input').fill(question);
    const results = page.locator('#localsearch-list a');
    await results
      .first()
      .waitFor({ timeout: 15_000 })
      .catch(() => undefined);
    const links = await results.evaluateAll((found) => found.map((one) => one.href));
    if (!links.slice(0, 6).some((link) => expected.test(link))) {
      note(`the search for ${question} finds ${links.slice(0, 6).join(' ') || 'nothing'}`);
    }
    await page.keyboard.press('Escape');
  }
}

const names = readdirSync(site, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.html') && name !== '404.html' && name.includes(wanted ?? ''))
  .toSorted();
mkdirSync(pictures, { recursive: true });
const executablePath = findChromium();
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const left = forms.flatMap((form) =>
    names
      .filter((name) => form[0] === checked || main.has(name) || wanted !== undefined)
      .map((name) => ({ form, name })),
  );
  const work = async () => {
    const screens = new Map();
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [form] = next.form;
      if (!screens.has(form)) screens.set(form, await open(browser, next.form));
      await look(screens.get(form), form, next.name);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  if (wanted === undefined) {
    await lookAtDrawings(await open(browser, forms[2]));
    await ask(await open(browser, forms[2]));
  }
} finally {
  await browser.close();
  server.close();
}
for (const problem of problems) console.log(problem);
console.log(`${names.length} pages, ${problems.length} problems; pictures in .build/site/pictures`);
process.exitCode = problems.length === 0 && names.length > 0 ? 0 : 1;
