/** Runs as rows of a table: what went wrong or what is waited for, how long it took, how often it changed hands. */
import { html } from 'hono/html';
import { isEnded } from '../../core/run.ts';
import { waitText } from '../../core/waits.ts';
import type { RunInfo } from '../../engine/runs/run-info.ts';
import type { Html } from '../html.ts';
import { count, statusMark, workerName } from '../parts.ts';
import { tagsOf } from '../run-tags.ts';
import { spanText, time } from '../times.ts';
import { visible } from '../words.ts';
import { age } from './ages.ts';
import { errorLine } from './error-line.ts';
import { type Row, rowTable } from './rows.ts';

const head = ['Run', 'Workflow', 'Status', 'What', 'Events', 'Took', 'Created'];

/** `choose` makes what stands before the id of a run. */
export function runTable(
  base: string,
  runs: readonly RunInfo[],
  choose: (id: string) => Html | string = () => '',
): Html {
  return rowTable(
    'Runs',
    head,
    runs.map((run) => toRow(base, run, choose(run.id))),
  );
}

function toRow(base: string, run: RunInfo, choose: Html | string): Row {
  const tags = tagsOf(run);
  return {
    key: run.id,
    cells: [
      html`${choose}<a href="${base}/runs/${run.id}"><bdi>${visible(run.id)}</bdi></a
        >${tags === '' ? '' : html`<span class="under"><bdi>${tags}</bdi></span>`}`,
      html`<bdi>${visible(run.workflow)}</bdi
        >${run.codeVersion > 1 ? html` <span class="dim">@${run.codeVersion}</span>` : ''}`,
      html`${statusMark(run.status)}${run.paused ? html` <b class="warn">paused</b>` : ''}`,
      whatOf(base, run),
      html`${run.seq.toLocaleString('en')}${
        run.takeovers === 0
          ? ''
          : html`<span class="under warn">${count(run.takeovers, 'take-over')}</span>`
      }`,
      isEnded(run.status)
        ? spanText(run.changedAt.getTime() - run.createdAt.getTime())
        : age(run.changedAt),
      time(run.createdAt),
    ],
  };
}

/** Why it stands where it stands. */
function whatOf(base: string, run: RunInfo): Html | string {
  const { error, worker, waits, progress, needsVersion } = run;
  if (error !== undefined) return html`<span class="bad"><bdi>${errorLine(error)}</bdi></span>`;
  const [wait] = waits;
  if (wait !== undefined) {
    const more = waits.length > 1 ? ` and ${waits.length - 1} more` : '';
    const until = wait.until === undefined ? '' : html` · until ${time(wait.until)}`;
    const said = html`<bdi>${visible(wait.label ?? waitText(wait))}</bdi>`;
    return html`<span class="what">${said}${more}${until}</span>`;
  }
  if (needsVersion !== undefined) return `needs code version ${needsVersion}`;
  if (worker === undefined) return '';
  const query = new URLSearchParams({ worker }).toString();
  const done =
    progress === undefined
      ? ''
      : html` <span class="dim"
          >${Math.round(progress.fraction * 100)} % <bdi>${visible(progress.message)}</bdi></span
        >`;
  return html`<a href="${base}/runs?${query}">${workerName(worker)}</a>${done}`;
}
