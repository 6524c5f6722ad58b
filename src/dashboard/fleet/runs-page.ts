/** Runs that meet a search, newest first, a page at a time; and how many there are in each status. */
import { html } from 'hono/html';
import type { RunStats } from '../../core/run-stats.ts';
import { runStatuses } from '../../core/run.ts';
import { waitKinds } from '../../core/waits.ts';
import type { RunInfo } from '../../engine/runs/run-info.ts';
import type { Pawl } from '../../pawl.ts';
import { commandPart } from '../command-line.ts';
import type { Html } from '../html.ts';
import { statusMark } from '../parts.ts';
import type { Settings } from '../settings.ts';
import { visible } from '../words.ts';
import { manyNames } from './bulk-actions.ts';
import { bulkLinks, chosenForm, choosing } from './bulk-links.ts';
import type { Known } from './known.ts';
import { livePart } from './rows.ts';
import { runTable } from './run-rows.ts';
import {
  type Asked,
  type Condition,
  conditionWords,
  type Search,
  searchCommand,
  statusGroups,
  withinChoices,
} from './search.ts';

const perPage = 50;

export interface RunList {
  readonly runs: readonly RunInfo[];
  readonly cursor: string | undefined;
  readonly stats: RunStats;
  /** The search has looked at as many entries as it may, before the page was full. */
  readonly isCut: boolean;
}

/** @throws InvalidError for a condition that does not fit. */
export async function readRuns(pawl: Pawl, search: Search, cursor = ''): Promise<RunList> {
  const place = cursor === '' ? {} : { cursor };
  const [page, stats] = await Promise.all([
    pawl.list({ ...search.options, ...place, limit: perPage }),
    pawl.stats(),
  ]);
  const isCut = page.cursor !== undefined && page.runs.length < perPage;
  return { ...page, stats, isCut };
}

export interface RunsShown {
  readonly settings: Settings;
  readonly search: Search;
  readonly cursor: string;
}

/** What stays true while the page is open. */
export function runsParts(shown: RunsShown, list: RunList): Html {
  const { settings, search } = shown;
  return html`${livePart('counts', counts(settings.base, search, list.stats))}
  ${livePart('rows', rows(shown, list))}`;
}

export function runsPage(shown: RunsShown, list: RunList, known: Known): Html {
  const { settings, search, cursor } = shown;
  const { base } = settings;
  const query = cursor === '' ? search.query : `${search.query}&cursor=${cursor}`;
  const command = searchCommand(['runs', 'list'], search);
  return html`<h1>Runs</h1>
    <div data-live="${base}/live/runs?${query}">
      ${livePart('counts', counts(base, search, list.stats))} ${form(base, search.given, known)}
      <div class="bar">
        ${bulkLinks(settings, search)}
        <p id="live" class="dim script-only" aria-live="polite"></p>
      </div>
      ${list.runs.length === 0 ? '' : chosenForm(settings)} ${livePart('rows', rows(shown, list))}
    </div>
    ${command === undefined ? '' : html`<p>${commandPart(command)}</p>`}`;
}

function counts(base: string, search: Search, stats: RunStats): Html {
  return html`<ul class="counts" aria-label="Runs by status">
    ${runStatuses.map((status) => {
      const here = search.given.status === status ? html`aria-current="true"` : '';
      return html`<li>
        <a href="${base}/runs?status=${status}" ${here}
          >${statusMark(status)} ${stats.runs[status].toLocaleString('en')}</a
        >
      </li>`;
    })}
  </ul>`;
}

function rows({ settings, search, cursor }: RunsShown, list: RunList): Html {
  const { base } = settings;
  const { runs, isCut, cursor: next } = list;
  const link = (place: string): string => {
    const query = new URLSearchParams(search.query);
    if (place !== '') query.set('cursor', place);
    const text = query.toString();
    return `${base}/runs${text === '' ? '' : `?${text}`}`;
  };
  const cut = html`<p class="warn">
    The search has looked at as many runs as one page may. There may be more that fit: go on with
    <a rel="next" href="${link(next ?? '')}">older runs</a>.
  </p>`;
  const choose = manyNames(settings.actions).length > 0 ? choosing : undefined;
  return html`${runs.length === 0 ? (isCut ? '' : empty(base, search)) : runTable(base, runs, choose)}
    ${isCut ? cut : ''}
    <p class="pages">
      ${cursor === '' ? '' : html`<a href="${link('')}">Newest</a>`}
      ${next === undefined || isCut ? '' : html`<a rel="next" href="${link(next)}">Older</a>`}
    </p>`;
}

/** What to do next, where there is nothing to see. */
function empty(base: string, search: Search): Html {
  if (search.query === '') {
    return html`<p>
        There is no run yet. A program starts one by <code>pawl.start(workflow, input)</code>, and a
        shell by this:
      </p>
      <p>${commandPart('pawl runs start <workflow> --input <json>')}</p>`;
  }
  const { given } = search;
  const less = Object.entries(given).map(([name, value]) => {
    const rest = new URLSearchParams(search.query);
    rest.delete(name);
    return html`<li>
      <a href="${base}/runs?${rest.toString()}"
        >without “${conditionWords[name as Condition]} <bdi>${visible(value)}</bdi>”</a
      >
    </li>`;
  });
  return html`<p>No run meets these conditions. Look again</p>
    <ul>
      ${less}
      <li><a href="${base}/runs">at all runs</a></li>
    </ul>`;
}

/** Why a search cannot be made, above the form with what was asked for. */
export function refusedSearch(
  base: string,
  asked: Asked,
  { message, isStatus, known }: { message: string; isStatus: boolean; known: Known },
): Html {
  const choices = [...runStatuses, ...Object.keys(statusGroups)].map(
    (status) => html`<li><a href="${base}/runs?status=${status}">${status}</a></li>`,
  );
  return html`<h1>Runs</h1>
    <div class="error" role="alert"><p>${visible(message)}</p></div>
    ${
      isStatus
        ? html`<ul class="counts" aria-label="Statuses">
            ${choices}
          </ul>`
        : ''
    }
    ${form(base, asked, known)}`;
}

function options(
  choices: readonly (readonly (string | undefined)[])[],
  chosen: string | undefined,
): Html[] {
  return choices.map(([value = '', text = value]) =>
    value === (chosen ?? '')
      ? html`<option value="${value}" selected>${text}</option>`
      : html`<option value="${value}">${text}</option>`,
  );
}

/** A field that somebody may fill in freely; what is known is offered. */
function field(
  name: string,
  label: string,
  asked: Asked,
  more: { list?: string; hint?: string } = {},
): Html {
  const { list, hint } = more;
  return html`<label
    >${label}
    <input
      name="${name}"
      value="${asked[name] ?? ''}"
      autocomplete="off"
      ${list === undefined ? '' : html`list="${list}"`}
      ${hint === undefined ? '' : html`placeholder="${hint}"`}
  /></label>`;
}

function datalist(id: string, values: readonly string[]): Html {
  return html`<datalist id="${id}">
    ${values.map((value) => html`<option value="${value}"></option>`)}
  </datalist>`;
}

const seldom = ['key', 'worker', 'waitsFor', 'waitKey', 'since', 'until', 'parent'] as const;

function form(base: string, asked: Asked | Search['given'], known: Known): Html {
  const given: Asked = Object.fromEntries(
    Object.entries(asked).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  const statuses = [
    ['', 'any'],
    ['open', 'not ended'],
    ['dead', 'failed or quarantined'],
    ...runStatuses.map((status) => [status]),
  ];
  const { status = '' } = given;
  const isListed = statuses.some(([value]) => value === status);
  const kinds = waitKinds.map((kind) => `kind:${kind}`);
  const isOpen = seldom.some((name) => (given[name] ?? '') !== '');
  const more = html`<div class="filter">
      ${field('key', 'Key', given)} ${field('worker', 'Worker', given, { list: 'workers' })}
      ${field('waitsFor', 'Waits for', given, { list: 'waits', hint: 'kind:timer' })}
      ${field('waitKey', 'with the key', given)} ${field('parent', 'Started by run', given)}
      ${field('since', 'Created since (UTC)', given, { hint: '2026-11-27T22:00' })}
      ${field('until', 'Created before (UTC)', given, { hint: '2026-11-27T23:00' })}
    </div>
    ${datalist('workers', known.workers)} ${datalist('waits', [...kinds, ...known.signals])}`;
  return html`<form class="filter search" method="get" action="${base}/runs" role="search">
    ${field('id', 'Id begins with', given)}
    <label
      >Status
      <select name="status">
        ${options(isListed ? statuses : [...statuses, [status]], status)}
      </select></label
    >
    ${field('workflow', 'Workflow', given, { list: 'workflows' })}
    <label
      >Created
      <select name="within">
        ${options([['', 'at any time'], ...withinChoices.map(([value, name]) => [value, `in ${name ?? ''}`])], given['within'])}
      </select></label
    >
    ${field('tag', 'Tag', given, { hint: 'key=value' })}
    <button>Search</button>
    <details ${isOpen ? html`open` : ''}>
      <summary>More conditions</summary>
      ${more}
    </details>
    ${datalist('workflows', known.workflows)}
  </form>`;
}
