/** The log as rows: what each event is about, when it came, and beside them the colour of who held the run. */
import { html } from 'hono/html';
import type { RunEvent } from '../core/event.ts';
import { eventWords } from './event-words.ts';
import type { Html } from './html.ts';
import { type OwnedEvent, withOwners } from './owners.ts';
import { payload } from './parts.ts';
import { eventsPerPage } from './reading.ts';
import type { RunInfo } from '../engine/runs/run-info.ts';
import { clockTime, spanText } from './times.ts';
import { visible } from './words.ts';

/** Where the rows lead. */
export interface RowLinks {
  /** The address of the run's page. */
  readonly page: string;
  readonly canFork: boolean;
}

export interface LogView {
  readonly run: RunInfo;
  readonly after: number;
  readonly events: readonly RunEvent[];
  /** The events, and some before them: who held the run then goes on having its colour. */
  readonly past: readonly RunEvent[];
}

/** `query` is what else the page was asked for. */
export function logPart(links: RowLinks, view: LogView, query: string): Html {
  const { past, after } = view;
  const rows = withOwners(past).flatMap((one, i) =>
    one.event.seq > after ? [item(links, one, past[i - 1])] : [],
  );
  return html`<h2 id="log">Events</h2>
    ${pager(links.page, view, query)}
    <div class="filter script-only" role="search">
      <label>Only rows with <input id="filter" type="search" autocomplete="off" /></label>
      <label class="row"><input id="problems" type="checkbox" /> problems only</label>
      <span id="found" class="dim" role="status"></span>
    </div>
    <ol class="events" id="events">
      ${rows}
    </ol>
    <p id="live" role="status" class="dim"></p>`;
}

function pager(page: string, { run, after, events }: LogView, query: string): Html {
  const end = after + events.length;
  const older = Math.max(0, after - eventsPerPage);
  const to = (seq: number): string => `${page}?after=${seq}${query}#log`;
  return html`<p>
    <span id="range">${events.length === 0 ? 'None' : `${after + 1} to ${end}`} of ${run.seq}</span>
    ${after === 0 ? '' : html`<a rel="prev" href="${to(older)}">Earlier</a>`}
    ${end >= run.seq ? '' : html`<a rel="next" href="${to(end)}">Later</a>`}
  </p>`;
}

function item(links: RowLinks, one: OwnedEvent, before: RunEvent | undefined): Html {
  const { event, owner, colour, turn } = one;
  const held = colour === undefined ? 'nobody' : `colour-${colour}`;
  const { tone } = eventWords(event);
  const title =
    colour === undefined ? 'no worker holds it' : `held by ${owner ?? `fence ${event.fence}`}`;
  const classes = [...new Set([held, turn ? 'turn' : tone, tone])].join(' ');
  return html`<li class="${classes}" id="e${event.seq}" title="${visible(title)}">
    ${eventRow(links, event, before)}
  </li>`;
}

/** What stands in the item of an event. */
export function eventRow(links: RowLinks, event: RunEvent, before?: RunEvent): Html {
  const { page, canFork } = links;
  const { seq, type, at, branch } = event;
  const { name, said, run } = eventWords(event);
  const since = before === undefined ? 0 : at.getTime() - before.at.getTime();
  const later = since < 1 ? '' : html` <span class="since">+${spanText(since)}</span>`;
  const runs = page.replace(/\/[^/]*$/, '');
  return html`<details>
    <summary class="head">
      <span class="seq">${seq}</span>
      <span class="type"><bdi>${visible(type)}</bdi></span>
      <span class="about"
        >${name === '' ? '' : html`<b><bdi>${visible(name)}</bdi></b> `}<bdi>${visible(said)}</bdi>
        ${branch === undefined ? '' : html`<span class="dim">branch <bdi>${visible(branch)}</bdi></span>`}</span
      >
      <span class="when dim">${clockTime(at)}${later}</span>
    </summary>
    ${payload(event.data, `${page}/events/${seq}.json`)}
    <p class="more">
      <a href="${page}?at=${seq}#state">State after this</a>
      ${canFork ? html`<a href="${page}/fork?at=${seq}">Fork from here</a>` : ''}
      <a href="${page}/events/${seq}.json">JSON</a>
      ${run === undefined ? '' : html`<a href="${runs}/${run}">Run <bdi>${visible(run)}</bdi></a>`}
    </p>
  </details>`;
}
