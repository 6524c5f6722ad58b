/** The frame of every page. */
import { html, raw } from 'hono/html';
import type { Html } from './html.ts';
import { version } from './pages.gen.ts';
import type { Settings } from './settings.ts';
import { visible } from './words.ts';

/** The menu, in its order. */
const places = {
  overview: 'Overview',
  runs: 'Runs',
  failures: 'Failures',
  inbox: 'Inbox',
  queues: 'Queues',
  workers: 'Workers',
  recoveries: 'Recoveries',
  schedules: 'Schedules',
  deletions: 'Deletions',
  health: 'Health',
} as const;

export type Place = keyof typeof places;

export interface Frame {
  readonly title: string;
  /** The entry of the menu this page belongs to. */
  readonly at?: Place;
  readonly body: Html;
  /** Load it again after so many seconds. */
  readonly refreshSeconds?: number | undefined;
}

export function layout({ base, actions }: Settings, frame: Frame): Html {
  const entries = Object.entries(places).map(
    ([name, text]) =>
      html`<a href="${base}/${name}" ${frame.at === name ? raw('aria-current="page"') : ''}
        >${text}</a
      > `,
  );
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
        <link rel="icon" href="${base}/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="${base}/style.css?v=${version}" />
        <script src="${base}/pages.js?v=${version}" defer></script>
        ${refresh}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <strong>pawl</strong>
          <nav aria-label="Pages">${entries}</nav>
          <span class="dim">${actions.length === 0 ? 'read-only' : ''}</span>
        </header>
        <main id="main">${frame.body}</main>
        <footer>
          <span id="times">Times are UTC</span>, on the clock of the store.
          <span id="theme" class="script-only"></span>
          <span class="script-only">Press <kbd>?</kbd> for the keys.</span>
        </footer>
      </body>
    </html>`;
}
