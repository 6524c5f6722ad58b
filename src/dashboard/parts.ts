/** The small things that several pages show. */
import { html } from 'hono/html';
import type { RunStatus } from '../core/run.ts';
import type { Html } from './html.ts';
import { preview, visible } from './words.ts';

/** Colour is never the only sign. */
const signs: Readonly<Record<RunStatus, string>> = {
  queued: '○',
  running: '●',
  waiting: '◆',
  interrupted: '▲',
  quarantined: '■',
  completed: '✓',
  failed: '✕',
  cancelled: '–',
};

export function statusMark(status: RunStatus): Html {
  return html`<span class="status ${status}"
    ><span aria-hidden="true">${signs[status]}</span> ${status}</span
  >`;
}

/** A payload, cut, with the way to the whole of it. */
export function payload(value: unknown, whole: string): Html {
  const { text, isCut } = preview(value);
  const more = isCut ? html`<a href="${whole}">All of it, as JSON</a>` : '';
  return html`<pre tabindex="0">${text}</pre>
    ${more}`;
}

export function facts(all: readonly (readonly [string, unknown])[]): Html {
  return html`<dl>
    ${all.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/** What a cell of a table holds: text is escaped. */
export type Cell = Html | string | number;

/** A row has a cell for each word of the head. On a narrow screen each cell says its word. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): Html {
  return html`<table class="stack">
    <thead>
      <tr>
        ${head.map((word) => html`<th scope="col">${word}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (cells) =>
          html`<tr>
            ${cells.map((cell, i) => html`<td data-label="${head[i] ?? ''}">${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** A number with its noun: `1 event`, `2 events`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? noun : plural}`;
}

/** A worker by its host and process; the whole id is in its title. */
export function workerName(id: string): Html {
  return html`<bdi class="worker" title="${visible(id)}">${visible(shortWorker(id))}</bdi>`;
}

export function shortWorker(id: string): string {
  return id.replace(/-[0-9a-f]{12}$/, '');
}
