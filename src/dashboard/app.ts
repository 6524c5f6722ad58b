/** The routes. Each page is also JSON: by its name with `.json`, or for a client that asks for `application/json`. */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { InvalidError } from '../core/errors.ts';
import type { Pawl } from '../pawl.ts';
import { act } from './acting.ts';
import {
  messageOf,
  problem,
  readInTime,
  show,
  statusOf,
  unavailable,
  wantsJson,
} from './answers.ts';
import { type DashboardRole, runActionNames } from './access.ts';
import { Common } from './common.ts';
import { addFleet } from './fleet/routes.ts';
import { type Env, guard, refusal, tokenFor, visitorOf } from './guard.ts';
import { forkPage } from './fork-page.ts';
import { live, liveOutput } from './live.ts';
import { icon } from './icon.ts';
import { script, style, version } from './pages.gen.ts';
import { type AskedRun, readEvents, readRun } from './reading.ts';
import { nowPage, runPage, stateView } from './run-page.ts';
import { addQueues } from './queue-routes.ts';
import { type DashboardOptions, readSettings, type Settings, settingsFor } from './settings.ts';
import { momentPart } from './state-part.ts';
import { untagged } from './words.ts';

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
  const common = new Common(pawl, settings.redact);
  const made = new Map<DashboardRole, Hono<Env>>();
  const pagesOf = (role: DashboardRole): Hono<Env> => {
    const known = made.get(role) ?? pagesFor(pawl, settingsFor(settings, role), common);
    made.set(role, known);
    return known;
  };
  return {
    fetch: async (request) => {
      try {
        const visitor = await visitorOf(settings, request);
        return await pagesOf(visitor?.role ?? 'read').fetch(request, { visitor });
      } catch {
        return pagesOf('read').fetch(request, { visitor: undefined, isBroken: true });
      }
    },
  };
}

/** The pages as somebody sees them who has the role of the settings. */
export function pagesFor(
  pawl: Pawl,
  settings: Settings,
  common = new Common(pawl, settings.redact),
): Hono<Env> {
  // Where it is mounted, with a slash behind it or without, is the same place.
  const app = new Hono<Env>({ strict: false }).basePath(settings.base === '' ? '/' : settings.base);
  app.use(
    '*',
    guard(settings, (c, why) => problem(c, settings, 403, why)),
    readInTime,
  );
  app.get('/', (c) => c.redirect(`${settings.base}/overview`));
  const { shown } = common;
  addFiles(app);
  addFleet(app, common, settings);
  addRun(app, common, settings);
  addQueues(app, pawl, settings);
  addActions(app, { pawl, shown }, settings);
  app.notFound((c) => problem(c, settings, 404, 'There is no such page.'));
  app.onError((error, c) => {
    const [status, message] = [statusOf(error), messageOf(error)];
    return status === 503
      ? unavailable(c, settings, { message, address: pawl.redis?.address })
      : problem(c, settings, status, message);
  });
  return app;
}

/** What a browser loads once: its address changes with what it holds. */
function addFiles(app: Hono<Env>): void {
  const serve = (path: string, body: string, type: string): void => {
    app.get(path, (c) => {
      const isVersioned = c.req.query('v') === version;
      if (isVersioned) c.header('Cache-Control', 'private, max-age=31536000, immutable');
      return c.body(body, 200, { 'Content-Type': `${type}; charset=utf-8` });
    });
  };
  serve('/style.css', style, 'text/css');
  serve('/pages.js', script, 'text/javascript');
  serve('/icon.svg', icon, 'image/svg+xml');
}

/** A run, and parts of it. */
function addRun(app: Hono<Env>, common: Common, settings: Settings): void {
  const { shown: pawl, feeds, shared } = common;
  const pageOf = (id: string): string => `${settings.base}/runs/${id}`;
  app.get('/runs/:id/live', async (c) => {
    const { id, workflow } = await pawl.run(c.req.param('id')).info();
    const canFork = settings.actions.includes('fork') && settings.workflows.has(workflow);
    return live(c, feeds, { id, after: lastSeen(c), links: { page: pageOf(id), canFork } });
  });
  app.get('/runs/:id/output', async (c) => {
    const { id } = await pawl.run(c.req.param('id')).info();
    return liveOutput(c, pawl, { id, after: lastSeen(c) });
  });
  app.get('/runs/:id/events/:seq', async (c) => {
    const run = await pawl.run(c.req.param('id')).info();
    const seq = toSeq(c.req.param('seq').replace(/\.json$/, '')) ?? 0;
    const [event] = seq < 1 ? [] : await readEvents(pawl, run, seq - 1, 1);
    if (event === undefined) return problem(c, settings, 404, 'The run has no such event.');
    return c.json({ ...event, data: untagged(event.data) });
  });
  app.get('/runs/:id/:part{state(\\.json)?}', async (c) => {
    const view = await readRun(pawl, settings, askedOf(c, c.req.param('id')));
    if (wantsJson(c)) return c.json(untagged(view.moment) as object);
    return c.html(momentPart(pageOf(view.run.id), stateView({ settings, view })));
  });
  app.get('/runs/:id/now', async (c) => {
    // Pages that are open on the same run ask at the same moment, for the same.
    const view = await shared.read(c.req.url, () =>
      readRun(pawl, settings, askedOf(c, c.req.param('id'))),
    );
    const token = tokenFor(settings, c.get('actor'));
    return c.html(nowPage({ settings, view, token, query: '' }));
  });
  app.get('/runs/:id/fork', async (c) => {
    const id = c.req.param('id');
    if (!settings.actions.includes('fork')) {
      return problem(c, settings, 403, 'This dashboard does not allow that; nothing was done.');
    }
    const token = tokenFor(settings, c.get('actor'));
    const body = await forkPage(pawl, settings, { id, at: c.req.query('at') }, token);
    return show(c, settings, { title: `Fork of ${id}`, at: 'runs', body });
  });
  app.get('/runs/:id', async (c) => {
    const id = c.req.param('id').replace(/\.json$/, '');
    const asked = askedOf(c, id);
    const view = await readRun(pawl, settings, asked);
    if (wantsJson(c)) return c.json(untagged(view) as object);
    const token = tokenFor(settings, c.get('actor'));
    const refreshSeconds = toSeq(c.req.query('refresh'));
    const body = runPage({ settings, view, token, query: momentQuery(asked) });
    return show(c, settings, {
      title: id,
      at: 'runs',
      body,
      refreshSeconds: refreshSeconds === undefined ? undefined : Math.max(1, refreshSeconds),
    });
  });
}

/** The last event or chunk that a page has: what the browser says when it comes back, else what the page said. */
function lastSeen(c: Context<Env>): number {
  return toSeq(c.req.header('last-event-id')) ?? toSeq(c.req.query('after')) ?? 0;
}

function askedOf(c: Context<Env>, id: string): AskedRun {
  const { at, from } = c.req.query();
  return { id, after: toSeq(c.req.query('after')), at, from };
}

function momentQuery({ at = '', from = '' }: AskedRun): string {
  const given = Object.entries({ at, from }).filter(([, text]) => text !== '');
  return given.length === 0 ? '' : `&${new URLSearchParams(given).toString()}`;
}

const formBytesMax = 256_000;

function addActions(
  app: Hono<Env>,
  { pawl, shown }: { readonly pawl: Pawl; readonly shown: Pawl },
  settings: Settings,
): void {
  app.post('/runs/:id/:action', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const { id } = c.req.param();
    const action = runActionNames.find((one) => one === c.req.param('action'));
    if (action === undefined || !settings.actions.includes(action)) {
      return problem(c, settings, 403, 'This dashboard does not allow that; nothing was done.');
    }
    const form = await c.req.parseBody();
    const refused = refusal(c, settings, form['token']);
    if (refused !== undefined) return problem(c, settings, 403, refused);
    const next = await act({ pawl, shown }, settings, { id, action, actor: c.get('actor') }, form);
    return c.redirect(settings.base + next, 303);
  });
}

function toSeq(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidError('seq', 'must be a whole number.');
}
