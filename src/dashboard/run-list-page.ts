/** The runs, newest first, a page at a time. */
import { html } from 'hono/html';
import type { RunStats } from '../core/run-stats.ts';
import { InvalidError } from '../core/errors.ts';
import { type RunStatus, runStatuses } from '../core/run.ts';
import type { ListOptions } from '../options.ts';
import type { RunInfo } from '../engine/runs/run-info.ts';
import type { Html } from './html.ts';
import { statusMark, table } from './parts.ts';
import { time } from './times.ts';
import { visible } from './words.ts';

export type Asked = Readonly<Record<string, string>>;

/** What the query of a page asks for; empty fields of its form ask for nothing. @throws InvalidError for a bad tag. */
export function toListOptions(asked: Asked): ListOptions {
  const { status, workflow, key, tag, cursor, parent } = asked;
  const split = tag === undefined || tag === '' ? undefined : /^([^=]+)=(.+)$/s.exec(tag);
  if (split === null) throw new InvalidError('tag', 'must be written as key=value.');
  return {
    ...(status === undefined || status === '' ? {} : { status: status as RunStatus }),
    ...(workflow === undefined || workflow === '' ? {} : { workflow }),
    ...(key === undefined || key === '' ? {} : { key }),
    ...(parent === undefined || parent === '' ? {} : { parent }),
    ...(split === undefined ? {} : { tag: { key: split[1] ?? '', value: split[2] ?? '' } }),
    ...(cursor === undefined || cursor === '' ? {} : { cursor }),
  };
}

export function runListPage(
  base: string,
  asked: Asked,
  found: {
    readonly runs: readonly RunInfo[];
    readonly cursor: string | undefined;
    readonly stats: RunStats;
  },
): Html {
  const { runs, cursor, stats } = found;
  const counts = runStatuses.map(
    (status) =>
      html`<li>
        <a href="${base}/runs?status=${status}">${statusMark(status)} ${stats.runs[status]}</a>
      </li>`,
  );
  return html`<h1>Runs</h1>
    <ul class="counts" aria-label="Runs by status">
      ${counts}
    </ul>
    ${filter(base, asked)}
    ${runs.length === 0 ? html`<p>No run is like this${cursor === undefined ? '.' : ' on this page.'}</p>` : runTable(base, runs)}
    <p>
      ${asked['cursor'] ? html`<a href="${link(base, asked, '')}">Newest</a> ` : ''}
      ${cursor === undefined ? '' : html`<a rel="next" href="${link(base, asked, cursor)}">Older</a>`}
    </p>`;
}

function link(base: string, { status, workflow, key, tag }: Asked, cursor: string): string {
  const all = Object.entries({ status, workflow, key, tag, cursor });
  const given = all.filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '',
  );
  return `${base}/runs?${new URLSearchParams(given).toString()}`;
}

function filter(base: string, asked: Asked): Html {
  const options = runStatuses.map((status) =>
    asked['status'] === status
      ? html`<option selected>${status}</option>`
      : html`<option>${status}</option>`,
  );
  return html`<form class="filter" method="get" action="${base}/runs" role="search">
    <label
      >Status
      <select name="status">
        <option value="">any</option>
        ${options}
      </select></label
    >
    <label>Workflow <input name="workflow" value="${asked['workflow'] ?? ''}" /></label>
    <label>Key <input name="key" value="${asked['key'] ?? ''}" /></label>
    <label>Tag <input name="tag" placeholder="key=value" value="${asked['tag'] ?? ''}" /></label>
    <button>Filter</button>
  </form>`;
}

function runTable(base: string, runs: readonly RunInfo[]): Html {
  return table(
    ['Run', 'Workflow', 'Status', 'Log', 'Lost workers', 'Tags', 'Created'],
    runs.map((run) => [
      html`<a href="${base}/runs/${run.id}"><bdi>${visible(run.id)}</bdi></a>`,
      html`<bdi>${visible(run.workflow)}</bdi>`,
      html`${statusMark(run.status)}${run.paused ? ' paused' : ''}`,
      `${run.seq} events`,
      run.takeovers === 0 ? '' : `${run.takeovers} take-overs`,
      html`<bdi>${tagsOf(run)}</bdi>`,
      time(run.createdAt),
    ]),
  );
}

export function tagsOf({ tags }: RunInfo): string {
  return visible(
    Object.entries(tags)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  );
}
