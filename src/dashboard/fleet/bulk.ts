/**
 * One action for all runs of a search, or for those that were chosen one by one. The page counts what would be done, and
 * asks; what is sent then is about the runs that were there when it counted. Both are bounded in runs and in time, and
 * say so where they were cut: the same again goes on with what is left.
 */
import { html } from 'hono/html';
import { InvalidError } from '../../core/errors.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { RunStatus } from '../../core/run.ts';
import type { BulkProgress, BulkReport } from '../../engine/runs/bulk.ts';
import type { Pawl } from '../../pawl.ts';
import { actionForm, reasonField } from '../action-form.ts';
import { type Form, textOf, textsOf } from '../fields.ts';
import type { Html } from '../html.ts';
import { count, statusMark } from '../parts.ts';
import { visible } from '../words.ts';
import {
  type Many,
  type ManyAction,
  manyActions,
  type ManyAsked,
  type ManyName,
  manyOf,
  toManyName,
} from './bulk-actions.ts';
import { type Condition, conditions, conditionWords } from './search.ts';

const runsMax = 10_000;
const countMs = 5_000;
const actMs = 30_000;
const refusedShown = 10;

/** What a bulk action has come to, whether it came to its end or not. */
export interface Bulk {
  readonly name: ManyName;
  readonly many: Many;
  readonly progress: BulkProgress;
  /** Undefined when it was cut. */
  readonly report: BulkReport | undefined;
  /** Only runs created before this are meant: those that were counted. */
  readonly until: number | undefined;
}

class OutOfTime extends Error {}

/** @throws InvalidError for a search that does not fit, or has no condition. */
export async function countBulk(pawl: Pawl, action: string, asked: ManyAsked): Promise<Bulk> {
  const name = toManyName(action);
  const many = manyOf(asked, manyActions[name]);
  // Such as a retry of runs that wait: none is meant.
  if (many.options.status?.length === 0) {
    const none = { matched: 0, done: 0, unchanged: 0 };
    const report = { ...none, action: manyActions[name].does, dryRun: true, statuses: {} };
    const progress = { ...none, refused: 0 };
    return {
      name,
      many,
      progress,
      report: { ...report, sample: [], refused: [] },
      until: undefined,
    };
  }
  const until = many.ids === undefined ? await newestOf(pawl, many) : undefined;
  return run(pawl, { name, many, until }, { dryRun: true, ms: countMs, request: {} });
}

/** Just after the newest run of a search; undefined where none is found. */
async function newestOf(pawl: Pawl, { options }: Many): Promise<number | undefined> {
  const newest = await pawl.list({ ...options, limit: 1 });
  const [first] = newest.runs;
  // Also where the first page was cut: what comes later was not counted.
  const at = first?.createdAt.getTime() ?? Number(newest.cursor?.split(':')[0] ?? Number.NaN);
  return Number.isNaN(at) ? undefined : at + 1;
}

/** @throws InvalidError, also when nobody was asked before something is destroyed: nothing was done. */
export async function actBulk(pawl: Pawl, form: Form, actor: string): Promise<Bulk> {
  const given = Object.fromEntries(conditions.map((one) => [one, textOf(form, one)]));
  const name = toManyName(textOf(form, 'action'));
  const action: ManyAction = manyActions[name];
  const many = manyOf({ conditions: given, ids: textsOf(form, 'run') }, action);
  const reason = textOf(form, 'reason');
  if (reason.length > fixedLimits.reasonLength) {
    throw new InvalidError('reason', `has more than ${fixedLimits.reasonLength} characters.`);
  }
  if (action.question !== undefined && textOf(form, 'sure') !== 'yes') {
    throw new InvalidError('sure', 'was not ticked; nothing was done.');
  }
  const said = textOf(form, 'counted');
  if (many.ids === undefined && !/^\d{1,15}$/.test(said)) {
    throw new InvalidError('counted', 'says which runs were counted; nothing was done.');
  }
  const request = { actor, ...(reason === '' ? {} : { reason }) };
  const until = many.ids === undefined ? Number(said) : undefined;
  return run(pawl, { name, many, until }, { dryRun: false, ms: actMs, request });
}

async function run(
  pawl: Pawl,
  what: Pick<Bulk, 'name' | 'many' | 'until'>,
  how: {
    readonly dryRun: boolean;
    readonly ms: number;
    readonly request: { readonly actor?: string; readonly reason?: string };
  },
): Promise<Bulk> {
  const { dryRun, ms, request } = how;
  const { until } = what;
  let progress: BulkProgress = { matched: 0, done: 0, unchanged: 0, refused: 0 };
  const end = performance.now() + ms;
  const onProgress = (at: BulkProgress): void => {
    progress = at;
    if (performance.now() > end) throw new OutOfTime();
  };
  const { options } = what.many;
  const least = Math.min(...[options.until, until].filter((one) => one !== undefined).map(Number));
  const query = Number.isFinite(least) ? { ...options, until: least } : options;
  try {
    const given = { ...request, dryRun, limit: runsMax, onProgress };
    const report = await pawl.bulk(manyActions[what.name].does, query, given);
    return { ...what, progress: { ...report, refused: report.refused.length }, report };
  } catch (error) {
    if (error instanceof OutOfTime) return { ...what, progress, report: undefined };
    throw error;
  }
}

export function bulkPage(base: string, token: string, bulk: Bulk): Html {
  const { name, many, progress, report, until } = bulk;
  const action: ManyAction = manyActions[name];
  const back = backPart(base, many);
  const title = html`<h1>${action.verb}: ${manyPart(many)}</h1>`;
  const isWhole = report !== undefined && progress.matched < runsMax;
  const least = isWhole ? '' : 'at least ';
  const counted = html`<p>
      ${foundPart(many, progress.matched)}${isWhole ? '' : ' so far'}:
      <b>${least}${count(progress.done, 'run')}</b> would be
      ${action.done}${
        progress.unchanged === 0 ? '' : `, ${progress.unchanged.toLocaleString('en')} need nothing`
      }${progress.refused === 0 ? '' : `, ${progress.refused.toLocaleString('en')} cannot be`}.
      Nothing has been done.
    </p>
    ${details(base, report)}`;
  if (progress.done === 0) return html`${title} ${counted} ${back}`;
  const hidden = hiddenFields(many);
  const fields = html`<input type="hidden" name="action" value="${name}" />${hidden}<input
      type="hidden"
      name="counted"
      value="${until ?? 0}"
    />${reasonField()}`;
  const number = `${least}${count(progress.done, 'run')}`;
  const { command } = many;
  const form = actionForm({
    to: `${base}/bulk`,
    token,
    verb: `${action.verb}: ${number}`,
    fields,
    ...(action.question === undefined
      ? {}
      : { question: `Yes, ${action.verb.toLowerCase()} ${number}. ${action.question}` }),
    ...(command === undefined ? {} : { command: `${command} --reason '<why>'` }),
  });
  const cut = isWhole
    ? ''
    : html`<p class="warn">
        There are more than were counted. One action takes at most ${runsMax.toLocaleString('en')}
        runs, the newest first. Do the same again for the rest.
      </p>`;
  return html`${title} ${counted} ${cut}
    <div class="acts">${form}</div>
    ${back}`;
}

/** What was done. */
export function bulkDonePage(base: string, bulk: Bulk): Html {
  const { name, many, progress, report } = bulk;
  const { verb, done } = manyActions[name];
  const isWhole = report !== undefined && progress.matched < runsMax;
  const rest = isWhole
    ? ''
    : html`<p class="warn">
        It stopped after ${count(progress.matched, 'run')}.
        <a href="${base}/bulk?action=${name}&amp;${many.query}">Do the same again</a> for the rest.
      </p>`;
  return html`<h1>${verb}: ${manyPart(many)}</h1>
    <p class="said" role="status">
      ${count(progress.done, 'run')} ${progress.done === 1 ? 'was' : 'were'} ${done}.
      ${progress.unchanged === 0 ? '' : `${count(progress.unchanged, 'run')} needed nothing.`}
      ${progress.refused === 0 ? '' : `${count(progress.refused, 'run')} could not be.`}
    </p>
    ${rest} ${details(base, report)} ${backPart(base, many)}`;
}

function backPart(base: string, { ids, query }: Many): Html {
  return ids === undefined
    ? html`<p><a href="${base}/runs?${query}">Back to the search</a></p>`
    : html`<p><a href="${base}/runs">Runs</a></p>`;
}

/** Of runs that were chosen, some may be gone, or none of the action's business. */
function foundPart({ ids }: Many, matched: number): string {
  if (ids === undefined) return `${count(matched, 'run')} of this search`;
  return ids.length === matched
    ? count(matched, 'chosen run')
    : `${matched.toLocaleString('en')} of ${count(ids.length, 'chosen run')}`;
}

function hiddenFields({ given, ids }: Many): Html[] {
  const hidden = (name: string, value: string): Html =>
    html`<input type="hidden" name="${name}" value="${value}" />`;
  if (ids !== undefined) return ids.map((id) => hidden('run', id));
  return Object.entries(given).map(([name, value]) => hidden(name, value));
}

function manyPart({ given, ids }: Many): Html {
  if (ids !== undefined) return html`${count(ids.length, 'chosen run')}`;
  const words = Object.entries(given).map(
    ([name, value]) =>
      html`<span class="condition"
        >${conditionWords[name as Condition]} <bdi>${visible(value)}</bdi></span
      > `,
  );
  return html`runs with ${words}`;
}

function details(base: string, report: BulkReport | undefined): Html | string {
  if (report === undefined) return '';
  const { matched, statuses, sample, refused } = report;
  const link = (id: string): Html =>
    html`<a href="${base}/runs/${id}"><bdi>${visible(id)}</bdi></a>`;
  const why = ({ run: id, error }: BulkReport['refused'][number]): Html =>
    html`<li>${link(id)}: ${visible(error.message)}</li>`;
  return html`<ul class="counts" aria-label="Their statuses">
      ${Object.entries(statuses).map(([status, many]) => html`<li>${statusMark(status as RunStatus)} ${many.toLocaleString('en')}</li>`)}
    </ul>
    ${sample.length === 0 ? '' : html`<p class="dim">${sample.length < matched ? 'Such as' : 'These:'} ${sample.map((id) => html`${link(id)} `)}</p>`}
    ${
      refused.length === 0
        ? ''
        : html`<ul>
            ${refused.slice(0, refusedShown).map(why)}
          </ul>`
    }`;
}
