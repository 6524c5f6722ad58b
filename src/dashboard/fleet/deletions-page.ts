/** Runs that somebody had deleted: who, when and why. What is gone has no page any more. */
import { html } from 'hono/html';
import type { DeletionInfo } from '../../engine/runs/deletions.ts';
import type { Html } from '../html.ts';
import type { Settings } from '../settings.ts';
import { time } from '../times.ts';
import { visible } from '../words.ts';
import { livePart, rowTable } from './rows.ts';

export interface DeletionList {
  readonly deletions: readonly DeletionInfo[];
  readonly cursor: string | undefined;
}

export function deletionsPage(settings: Settings, cursor: string, list: DeletionList): Html {
  const query = cursor === '' ? '' : `?${new URLSearchParams({ cursor }).toString()}`;
  return html`<h1>Deletions</h1>
    <p class="dim">
      Runs that were deleted on request, with who asked. About the last 10,000 are kept.
    </p>
    <div data-live="${settings.base}/live/deletions${query}">
      <p id="live" class="dim script-only" aria-live="polite"></p>
      ${deletionsParts(settings, cursor, list)}
    </div>
    <p><code class="command">pawl deletions</code></p>`;
}

export function deletionsParts({ base }: Settings, cursor: string, list: DeletionList): Html {
  const { deletions, cursor: next } = list;
  if (deletions.length === 0) {
    return livePart(
      'rows',
      html`<p>Nobody has deleted a run${cursor === '' ? '' : ' before these'}.</p>`,
    );
  }
  const rows = deletions.map(({ run, workflow, at, actor, reason }) => ({
    key: `${run} ${at.getTime()}`,
    cells: [
      time(at),
      html`<bdi>${visible(run)}</bdi>`,
      html`<bdi>${visible(workflow)}</bdi>`,
      actor === undefined ? 'not said' : html`<bdi>${visible(actor)}</bdi>`,
      reason === undefined ? '' : html`<bdi>${visible(reason)}</bdi>`,
    ],
  }));
  return livePart(
    'rows',
    html`${rowTable('Deletions', ['When', 'Run', 'Workflow', 'By', 'Reason'], rows)}
      <p class="pages">
        ${cursor === '' ? '' : html`<a href="${base}/deletions">Newest</a>`}
        ${next === undefined ? '' : html`<a rel="next" href="${base}/deletions?${new URLSearchParams({ cursor: next }).toString()}">Older</a>`}
      </p>`,
  );
}
