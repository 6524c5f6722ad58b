/** The pages over many runs and over the fleet. Each is JSON, too, and its parts stay true while it is open. */
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { InvalidError } from '../../core/errors.ts';
import type { Pawl } from '../../pawl.ts';
import { problem, show, wantsJson } from '../answers.ts';
import { type Env, refusal, tokenFor } from '../guard.ts';
import { layout } from '../layout.ts';
import type { Settings } from '../settings.ts';
import { Shared } from '../shared.ts';
import { manyNames, toManyName } from './bulk-actions.ts';
import { actBulk, bulkDonePage, bulkPage, countBulk } from './bulk.ts';
import { readKnown } from './known.ts';
import { livePage } from './live-page.ts';
import { LiveReads } from './live-reads.ts';
import { readRuns, refusedSearch, runsPage, runsParts } from './runs-page.ts';
import { readSearch, StatusError } from './search.ts';

const formBytesMax = 64_000;
const listMs = 1_000;

export function addFleet(app: Hono<Env>, pawl: Pawl, settings: Settings): void {
  const reads = new LiveReads();
  addRuns(app, pawl, settings, reads);
  addBulk(app, pawl, settings);
}

function addRuns(app: Hono<Env>, pawl: Pawl, settings: Settings, reads: LiveReads): void {
  const shared = new Shared();
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
      name: '',
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
    const bulk = await countBulk(pawl, asked);
    const body = bulkPage(settings.base, tokenFor(settings, c.get('actor')), bulk);
    return show(c, settings, { title: 'Act on many runs', at: 'runs', body });
  });
  app.post('/bulk', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const form = await c.req.parseBody();
    const refused = mayNot(c, String(form['action'] ?? ''));
    if (refused !== undefined) return refused;
    const why = refusal(c, settings, form['token']);
    if (why !== undefined) return problem(c, settings, 403, why);
    const bulk = await actBulk(pawl, form, c.get('actor'));
    const body = bulkDonePage(settings.base, bulk);
    return show(c, settings, { title: 'Act on many runs', at: 'runs', body });
  });
}
