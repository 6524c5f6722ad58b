/** The routes. Each page is also JSON: by its name with `.json`, or for a client that asks for `application/json`. */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { html } from 'hono/html';
import { InvalidError, PawlError } from '../core/errors.ts';
import type { Pawl } from '../pawl.ts';
import { act } from './acting.ts';
import { type Env, guard, refusal, tokenFor } from './guard.ts';
import { inboxPage, readInbox } from './inbox-page.ts';
import { type Frame, layout } from './layout.ts';
import { live } from './live.ts';
import { readEvents, readRun } from './reading.ts';
import { runListPage, toListOptions } from './run-list-page.ts';
import { runPage } from './run-page.ts';
import { type DashboardOptions, readSettings, type Settings } from './settings.ts';
import { style } from './style.ts';
import { untagged, visible } from './words.ts';
import { workersPage } from './workers-page.ts';

/** The pages as a function. Its type names no package, so that it holds without Hono. */
export interface DashboardPages {
  /** Answers a request of a page or of its data; it never rejects. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/**
 * The pages of a pawl: their `fetch` fits into any server that answers a `Request`. They open nothing and close nothing.
 * @throws InvalidError for a bad option.
 */
export function dashboard(pawl: Pawl, options: DashboardOptions = {}): DashboardPages {
  const settings = readSettings(options);
  // Where it is mounted, with a slash behind it or without, is the same place.
  const app = new Hono<Env>({ strict: false }).basePath(settings.base === '' ? '/' : settings.base);
  app.use('*', guard(settings));
  app.get('/', (c) => c.redirect(`${settings.base}/runs`));
  app.get('/style.css', (c) => c.body(style, 200, { 'Content-Type': 'text/css; charset=utf-8' }));
  addPages(app, pawl, settings);
  addActions(app, pawl, settings);
  app.notFound((c) => problem(c, settings, 404, 'There is no such page.'));
  app.onError((error, c) => problem(c, settings, statusOf(error), messageOf(error)));
  return { fetch: (request) => app.fetch(request) };
}

function addPages(app: Hono<Env>, pawl: Pawl, settings: Settings): void {
  app.get('/:page{runs(\\.json)?}', async (c) => {
    const asked = c.req.query();
    const [page, stats] = await Promise.all([pawl.list(toListOptions(asked)), pawl.stats()]);
    if (wantsJson(c)) return c.json({ counts: stats.runs, ...page });
    const body = runListPage(settings.base, asked, { ...page, stats });
    return show(c, settings, { title: 'Runs', at: 'runs', body });
  });
  app.get('/:page{inbox(\\.json)?}', async (c) => {
    const asked = c.req.query();
    const found = await readInbox(pawl, asked);
    if (wantsJson(c)) return c.json(found);
    const token = tokenFor(settings, c.get('actor'));
    const body = inboxPage(settings, asked, { ...found, token });
    return show(c, settings, { title: 'Inbox', at: 'inbox', body });
  });
  app.get('/:page{workers(\\.json)?}', async (c) => {
    const workers = await pawl.workers();
    if (wantsJson(c)) return c.json({ workers });
    return show(c, settings, { title: 'Workers', at: 'workers', body: workersPage(workers) });
  });
  app.get('/runs/:id/live', async (c) => {
    const { id } = await pawl.run(c.req.param('id')).info();
    const after = toSeq(c.req.header('last-event-id')) ?? toSeq(c.req.query('after')) ?? 0;
    return live(c, pawl, { id, after });
  });
  app.get('/runs/:id/events/:seq', async (c) => {
    const run = await pawl.run(c.req.param('id')).info();
    const seq = toSeq(c.req.param('seq').replace(/\.json$/, '')) ?? 0;
    const [event] = seq < 1 ? [] : await readEvents(pawl, run, seq - 1, 1);
    if (event === undefined) return problem(c, settings, 404, 'The run has no such event.');
    return c.json({ ...event, data: untagged(event.data) });
  });
  app.get('/runs/:id', async (c) => {
    const asked = c.req.param('id');
    const id = asked.replace(/\.json$/, '');
    const view = await readRun(pawl, settings, { id, after: toSeq(c.req.query('after')) });
    if (wantsJson(c)) return c.json(untagged(view) as object);
    const by = { nonce: c.get('nonce'), token: tokenFor(settings, c.get('actor')) };
    const refreshSeconds = toSeq(c.req.query('refresh'));
    const body = runPage(settings, view, by);
    return show(c, settings, {
      title: id,
      at: 'runs',
      body,
      refreshSeconds: refreshSeconds === undefined ? undefined : Math.max(1, refreshSeconds),
    });
  });
}

const formBytesMax = 256_000;

function addActions(app: Hono<Env>, pawl: Pawl, settings: Settings): void {
  app.post('/runs/:id/:action', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const { id } = c.req.param();
    const action = settings.actions.find((one) => one === c.req.param('action'));
    if (action === undefined) {
      return problem(c, settings, 403, 'This dashboard does not allow that; nothing was done.');
    }
    const form = await c.req.parseBody();
    const refused = refusal(c, settings, form['token']);
    if (refused !== undefined) return problem(c, settings, 403, refused);
    await act(pawl, settings.workflows, { id, action, actor: c.get('actor') }, form);
    const back = action === 'answer' ? '/inbox' : `/runs/${id}`;
    return c.redirect(settings.base + back, 303);
  });
}

function toSeq(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidError('seq', 'must be a whole number.');
}

function wantsJson(c: Context<Env>): boolean {
  const accept = c.req.header('accept') ?? '';
  const wants = accept.includes('application/json') && !accept.includes('text/html');
  return c.req.path.endsWith('.json') || wants;
}

function show(c: Context<Env>, settings: Settings, frame: Frame): Response | Promise<Response> {
  return c.html(layout(settings, frame));
}

type Failure = 400 | 403 | 404 | 409 | 500 | 503;

function statusOf(error: unknown): Failure {
  if (!PawlError.is(error)) return 500;
  switch (error.code) {
    case 'PAWL_INVALID':
    case 'PAWL_LIMIT':
      return 400;
    case 'PAWL_RUN_NOT_FOUND':
      return 404;
    case 'PAWL_RUN_ENDED':
    case 'PAWL_ANSWERED':
    case 'PAWL_TIMEOUT':
      return 409;
    case 'PAWL_UNAVAILABLE':
      return 503;
    default:
      return 500;
  }
}

/** What a stranger's error says may hold anything: only pawl's own are shown. */
function messageOf(error: unknown): string {
  return PawlError.is(error) ? error.message : 'The page could not be made.';
}

const retrySeconds = 3;

function problem(
  c: Context<Env>,
  settings: Settings,
  status: Failure,
  message: string,
): Response | Promise<Response> {
  c.status(status);
  if (wantsJson(c)) return c.json({ error: message });
  const back = html`<p><a href="${settings.base}/runs">Runs</a></p>`;
  const body = html`<h1>${status === 404 ? 'Not found' : 'This did not work'}</h1>
    <p>${visible(message)}</p>
    ${back}`;
  return show(c, settings, {
    title: 'Not shown',
    body,
    refreshSeconds: status === 503 && c.req.method === 'GET' ? retrySeconds : undefined,
  });
}
