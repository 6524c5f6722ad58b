/** The frame of every page, and the small things several pages show. */
import { html, raw } from 'hono/html';
import type { RunStatus } from '../core/run.ts';
import type { Settings } from './settings.ts';
import { preview, visible } from './words.ts';

/** What a template makes. */
export type Html = ReturnType<typeof html>;

export interface Frame {
  readonly title: string;
  /** The entry of the menu this page belongs to. */
  readonly at?: 'runs' | 'inbox' | 'workers';
  readonly body: Html;
  /** Load it again after so many seconds. */
  readonly refreshSeconds?: number | undefined;
}

export function layout({ base, actions }: Settings, frame: Frame): Html {
  const entry = (name: NonNullable<Frame['at']>, text: string): Html =>
    html`<a href="${base}/${name}" ${frame.at === name ? raw('aria-current="page"') : ''}
      >${text}</a
    >`;
  const refresh =
    frame.refreshSeconds === undefined
      ? ''
      : html`<meta http-equiv="refresh" content="${frame.refreshSeconds}" />`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${visible(frame.title)} · pawl</title>
        <link rel="stylesheet" href="${base}/style.css" />
        ${refresh}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <strong>pawl</strong>
          <nav aria-label="Pages">
            ${entry('runs', 'Runs')} ${entry('inbox', 'Inbox')} ${entry('workers', 'Workers')}
          </nav>
          <span class="dim">${actions.length === 0 ? 'read-only' : ''}</span>
        </header>
        <main id="main">${frame.body}</main>
        <footer>Times are UTC, on the clock of the store.</footer>
      </body>
    </html>`;
}

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

export function time(at: Date | undefined): Html | string {
  if (at === undefined) return '–';
  const iso = at.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`;
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

/** A row has a cell for each word of the head. On a narrow screen the cells of a row stand below each other. */
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
            ${cells.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}
