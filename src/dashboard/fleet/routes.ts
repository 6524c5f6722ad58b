/** The pages over many runs and over the fleet. Each is JSON, too, and its parts stay true while it is open. */
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { InvalidError } from '../../core/errors.ts';
import type { Pawl } from '../../pawl.ts';
import { type DashboardAction, scheduleAction } from '../access.ts';
import { problem, show, wantsJson } from '../answers.ts';
import { type Form, textOf } from '../fields.ts';
import { type Env, refusal, tokenFor } from '../guard.ts';
import type { Html } from '../html.ts';
import { layout } from '../layout.ts';
import type { Settings } from '../settings.ts';
import { manyNames, toManyName } from './bulk-actions.ts';
import type { Common } from '../common.ts';
import { doctorPage } from './doctor-page.ts';
import { actBulk, bulkDonePage, bulkPage, countBulk } from './bulk.ts';
import { retriedPage } from './failures-page.ts';
import { retryGroup } from './failures-retry.ts';
import { type FleetPage, fleetPages } from './pages.ts';
import { readKnown } from './known.ts';
import { livePage } from './live-page.ts';
import { readRuns, refusedSearch, runsPage, runsParts } from './runs-page.ts';
import { readSearch, StatusError } from './search.ts';

const formBytesMax = 64_000;
const listMs = 1_000;

export function addFleet(app: Hono<Env>, common: Common, settings: Settings): void {
  const { shown: pawl } = common;
  addRuns(app, common, settings);
  addBulk(app, pawl, settings);
  for (const page of fleetPages(common, settings)) addPage(app, settings, { page, common });
  addRetry(app, pawl, settings);
  addDrain(app, pawl, settings);
  addKill(app, settings);
  addSchedules(app, pawl, settings);
  addDoctor(app, common, settings);
}

/** A page with its data, and with the parts that stay true. */
function addPage(
  app: Hono<Env>,
  settings: Settings,
  { page, common }: { readonly page: FleetPage; readonly common: Common },
): void {
  const { name, title, everyMs, open } = page;
  app.get(`/:page{${name}(\\.json)?}`, async (c) => {
    const { read, body, json } = open(c.req.query());
    const data = await read();
    if (wantsJson(c)) return c.json(json(data));
    const token = tokenFor(settings, c.get('actor'));
    return show(c, settings, { title, at: name, body: body(data, token) });
  });
  app.get(`/live/${name}`, (c) => {
    const { key, read, parts } = open(c.req.query());
    const actor = c.get('actor');
    const what = { name: `${name}?${key}`, everyMs, read };
    const make = (data: unknown): Html => parts(data, tokenFor(settings, actor));
    // Who may do what is in the forms, with a token of the actor; which part is shown, in the address.
    const made = `${settings.role} ${actor} ${c.req.url}`;
    return livePage(c, common.reads, what, { name: made, make });
  });
}

function addRuns(app: Hono<Env>, common: Common, settings: Settings): void {
  const { shown: pawl, shared, reads } = common;
  const known = (): ReturnType<typeof readKnown> =>
    shared.read('known', () => readKnown(pawl, settings));
  app.get('/:page{runs(\\.json)?}', async (c) => {
    const asked = c.req.query();
    const { cursor = '' } = asked;
    try {
      const search = readSearch(asked);
      const list = await readRuns(pawl, search, cursor);
      if (wantsJson(c)) {
        const { runs, cursor: next, stats, isCut } = list;
        return c.json({ counts: stats.runs, runs, cursor: next, isCut });
      }
      const body = runsPage({ settings, search, cursor }, list, await known());
      return await show(c, settings, { title: 'Runs', at: 'runs', body });
    } catch (error) {
      if (!(error instanceof InvalidError) || wantsJson(c)) throw error;
      const why = { message: error.message, isStatus: error instanceof StatusError };
      const body = refusedSearch(settings.base, asked, { ...why, known: await known() });
      c.status(400);
      return c.html(layout(settings, { title: 'Runs', at: 'runs', body }));
    }
  });
  app.get('/live/runs', (c) => {
    const asked = c.req.query();
    const { cursor = '' } = asked;
    // Refused now, rather than in a stream; a time that is relative to now is told anew each time.
    const { query } = readSearch(asked);
    const read = (): ReturnType<typeof readRuns> => readRuns(pawl, readSearch(asked), cursor);
    const what = { name: `runs?${query}&cursor=${cursor}`, everyMs: listMs, read };
    return livePage(c, reads, what, {
      // Rows can be chosen by those alone who may act on them.
      name: settings.role,
      make: (list) => runsParts({ settings, search: readSearch(asked), cursor }, list),
    });
  });
}

function addBulk(app: Hono<Env>, pawl: Pawl, settings: Settings): void {
  const mayNot = (c: Context<Env>, action: string): Response | Promise<Response> | undefined =>
    manyNames(settings.actions).includes(toManyName(action))
      ? undefined
      : problem(c, settings, 403, 'This dashboard does not allow that; nothing was done.');
  app.get('/bulk', async (c) => {
    const asked = c.req.query();
    const refused = mayNot(c, asked['action'] ?? '');
    if (refused !== undefined) return refused;
    const ids = c.req.queries('run') ?? [];
    const bulk = await countBulk(pawl, asked['action'] ?? '', { conditions: asked, ids });
    const body = bulkPage(settings.base, tokenFor(settings, c.get('actor')), bulk);
    return show(c, settings, { title: 'Act on many runs', at: 'runs', body });
  });
  app.post('/bulk', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const form = await c.req.parseBody({ all: true });
    const refused = mayNot(c, textOf(form, 'action'));
    if (refused !== undefined) return refused;
    const why = refusal(c, settings, form['token']);
    if (why !== undefined) return problem(c, settings, 403, why);
    const bulk = await actBulk(pawl, form, c.get('actor'));
    const body = bulkDonePage(settings.base, bulk);
    return show(c, settings, { title: 'Act on many runs', at: 'runs', body });
  });
}

interface Asked {
  /** Undefined for one that there is none of. */
  readonly action: DashboardAction | undefined;
  /** The form has to have its tick. */
  readonly mustBeSure?: boolean;
}

/** The form that asks for an action, or the answer that refuses it: nothing was done then. */
async function askedFor(
  c: Context<Env>,
  settings: Settings,
  { action, mustBeSure = false }: Asked,
): Promise<Form | Response> {
  if (action === undefined || !settings.actions.includes(action)) {
    return problem(c, settings, 403, 'This dashboard does not allow that; nothing was done.');
  }
  const form = await c.req.parseBody();
  const why = refusal(c, settings, form['token']);
  if (why !== undefined) return problem(c, settings, 403, why);
  if (mustBeSure && textOf(form, 'sure') !== 'yes') {
    throw new InvalidError('sure', 'was not ticked; nothing was done.');
  }
  return form;
}

/** Lets all runs of one error try again. */
function addRetry(app: Hono<Env>, pawl: Pawl, settings: Settings): void {
  app.post('/failures/:group/retry', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const form = await askedFor(c, settings, { action: 'retry' });
    if (form instanceof Response) return form;
    const asked = { group: c.req.param('group'), reason: textOf(form, 'reason') };
    const retried = await retryGroup(pawl, asked, c.get('actor'));
    const body = retriedPage(settings.base, retried);
    return show(c, settings, { title: 'Failures', at: 'failures', body });
  });
}

function addDrain(app: Hono<Env>, pawl: Pawl, settings: Settings): void {
  app.post('/workers/:id/drain', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const form = await askedFor(c, settings, { action: 'drain', mustBeSure: true });
    if (form instanceof Response) return form;
    if (await pawl.drain(c.req.param('id')))
      return c.redirect(`${settings.base}/workers?done=drain`, 303);
    return problem(c, settings, 404, 'There is no such worker any more; nothing was done.');
  });
}

/** Ends a worker that the host has started, by its id among those that the host names. */
function addKill(app: Hono<Env>, settings: Settings): void {
  app.post('/workers/:id/kill', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const form = await askedFor(c, settings, { action: 'kill', mustBeSure: true });
    if (form instanceof Response) return form;
    const way = settings.killable().get(c.req.param('id'));
    if ((await way?.kill({ actor: c.get('actor') })) === true)
      return c.redirect(`${settings.base}/workers?done=kill`, 303);
    const unknown = 'No living worker of this id was started by this process; nothing was done.';
    return problem(c, settings, 404, unknown);
  });
}

function addSchedules(app: Hono<Env>, pawl: Pawl, settings: Settings): void {
  app.post('/schedules/:workflow/:id/:verb', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const { workflow, id, verb } = c.req.param();
    const asked = { action: scheduleAction(verb), mustBeSure: verb === 'remove' };
    const form = await askedFor(c, settings, asked);
    if (form instanceof Response) return form;
    const next = await operate(pawl, { workflow, id, verb }, c.get('actor'));
    if (next !== undefined) return c.redirect(settings.base + next, 303);
    return problem(c, settings, 404, 'There is no such schedule any more; nothing was done.');
  });
}

/** Where to go on; undefined where there is no such schedule. */
async function operate(
  pawl: Pawl,
  { workflow, id, verb }: { readonly workflow: string; readonly id: string; readonly verb: string },
  actor: string,
): Promise<string | undefined> {
  const [of, request] = [{ name: workflow }, { actor }];
  if (verb === 'trigger') {
    const run = await pawl.scheduled.trigger(of, id, request);
    return run && `/runs/${run}?done=trigger`;
  }
  const act = { pause: 'pause', resume: 'resume', remove: 'remove' } as const;
  const isDone = await pawl.scheduled[act[verb as keyof typeof act]](of, id, request);
  return isDone ? `/schedules?done=schedule-${verb}` : undefined;
}

function addDoctor(app: Hono<Env>, { examiner }: Common, settings: Settings): void {
  app.post('/health/doctor', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const form = await c.req.parseBody();
    const why = refusal(c, settings, form['token']);
    if (why !== undefined) return problem(c, settings, 403, why);
    const report = await examiner.examine();
    if (wantsJson(c)) return c.json(report ?? { ok: true, checks: [], damage: [] });
    const body = doctorPage(settings, report, tokenFor(settings, c.get('actor')));
    return show(c, settings, { title: 'Doctor', at: 'health', body });
  });
}
