/** What went wrong, and how often: groups of failed and quarantined runs, and one group with its runs. */
import { html } from 'hono/html';
import { actionForm, reasonField } from '../action-form.ts';
import { commandLine } from '../command-line.ts';
import type { Html } from '../html.ts';
import { count } from '../parts.ts';
import type { Settings } from '../settings.ts';
import { time } from '../times.ts';
import { visible } from '../words.ts';
import type { Retried } from './failures-retry.ts';
import type { FailureGroup, Failures } from './failures.ts';
import { livePart, rowTable } from './rows.ts';
import { runTable } from './run-rows.ts';
import { type Search, withinChoices } from './search.ts';

export interface FailuresShown {
  readonly settings: Settings;
  readonly search: Search;
  readonly token: string;
  /** Of one group only. */
  readonly group: string | undefined;
}

export function failuresPage(shown: FailuresShown, failures: Failures): Html {
  const { settings, search, group } = shown;
  const query = new URLSearchParams(search.query);
  if (group !== undefined) query.set('group', group);
  return html`<h1>Failures</h1>
    <p class="dim">
      Runs that failed, and those that were quarantined because they lost workers. They are grouped
      by what went wrong first.
    </p>
    <div data-live="${settings.base}/live/failures?${query.toString()}">
      ${group === undefined ? filter(settings.base, search) : ''}
      <p id="live" class="dim script-only" aria-live="polite"></p>
      ${failuresParts(shown, failures)}
    </div>`;
}

export function failuresParts(shown: FailuresShown, failures: Failures): Html {
  const { settings, search, group: id } = shown;
  const { groups, looked, isCut, stats } = failures;
  const { base } = settings;
  const cut = isCut
    ? html`<p class="warn">
        The ${looked.toLocaleString('en')} runs that were created last were looked at; there are
        ${(stats.runs.failed + stats.runs.quarantined).toLocaleString('en')} failed and quarantined
        runs in all.
      </p>`
    : '';
  if (id !== undefined) {
    const group = groups.find((one) => one.id === id);
    return livePart(
      'rows',
      html`${cut} ${group === undefined ? gone(base) : oneGroup(shown, group)}`,
    );
  }
  if (groups.length === 0) {
    const none =
      search.query === ''
        ? html`<p>No run has failed. When one does, its error is here, with a way to try again.</p>`
        : html`<p>
            No failed run meets these conditions. <a href="${base}/failures">All failures</a>
          </p>`;
    return livePart('rows', none);
  }
  const link = (group: FailureGroup): string => {
    const query = new URLSearchParams(search.query);
    query.set('group', group.id);
    return `${base}/failures?${query.toString()}`;
  };
  const rows = groups.map((group) => ({
    key: group.id,
    cells: [
      html`<a href="${link(group)}"><bdi>${visible(group.error)}</bdi></a>`,
      html`${count(group.runs.length, 'run')}${group.quarantined === 0 ? '' : html`<span class="under bad">${group.quarantined} quarantined</span>`}`,
      html`<bdi>${visible(group.workflows.join(', '))}</bdi>`,
      time(group.last),
      time(group.first),
    ],
  }));
  return livePart(
    'rows',
    html`${cut} ${rowTable('Errors', ['Error', 'Runs', 'Workflows', 'Last', 'First'], rows)}`,
  );
}

function gone(base: string): Html {
  return html`<p>
    No run has this error any more: they go on, or were deleted.
    <a href="${base}/failures">All failures</a>
  </p>`;
}

const namedMax = 10;

function oneGroup({ settings, token }: FailuresShown, group: FailureGroup): Html {
  const { base, actions } = settings;
  const { runs, error, first, last } = group;
  const ids = runs.map(({ id }) => id);
  const number = count(runs.length, 'run');
  const form = actionForm({
    to: `${base}/failures/${group.id}/retry`,
    token,
    verb: `Try ${runs.length === 1 ? 'it' : `all ${number}`} again`,
    fields: html`${reasonField()}`,
    ...(ids.length > namedMax ? {} : { command: commandLine('dead', 'retry', ...ids) }),
  });
  return html`<h2 class="bad"><bdi>${visible(error)}</bdi></h2>
    <p>
      ${number},
      ${runs.length === 1 ? html`at ${time(last)}` : html`from ${time(first)} to ${time(last)}`}.
      <a href="${base}/failures">All failures</a>
    </p>
    ${actions.includes('retry') ? html`<div class="acts">${form}</div>` : ''}
    ${runTable(base, runs)}`;
}

function filter(base: string, { given }: Search): Html {
  const choices = [
    ['', 'at any time'],
    ...withinChoices.map(([value, name]) => [value, `in ${name ?? ''}`]),
  ];
  return html`<form class="filter search" method="get" action="${base}/failures" role="search">
    <label
      >Workflow <input name="workflow" value="${given.workflow ?? ''}" autocomplete="off"
    /></label>
    <label>Tag <input name="tag" value="${given.tag ?? ''}" placeholder="key=value" /></label>
    <label
      >Created
      <select name="within">
        ${choices.map(([value = '', text]) =>
          value === (given.within ?? '')
            ? html`<option value="${value}" selected>${text}</option>`
            : html`<option value="${value}">${text}</option>`,
        )}
      </select></label
    >
    <button>Search</button>
  </form>`;
}

export function retriedPage(base: string, retried: Retried): Html {
  const { isKnown, done, unchanged, refused } = retried;
  return html`<h1>Failures</h1>
    <p class="said" role="status">
      ${count(done.length, 'run')} ${done.length === 1 ? 'tries' : 'try'} again. What
      ${done.length === 1 ? 'its' : 'their'} steps have done stays done.
      ${unchanged === 0 ? '' : `${count(unchanged, 'run')} needed nothing.`}
    </p>
    ${!isKnown ? html`<p>No run had this error any more.</p>` : ''}
    ${
      refused.length === 0
        ? ''
        : html`<ul>
            ${refused.slice(0, namedMax).map(({ run, message }) => html`<li><a href="${base}/runs/${run}">${run}</a>: ${visible(message)}</li>`)}
          </ul>`
    }
    <p><a href="${base}/failures">All failures</a></p>`;
}
