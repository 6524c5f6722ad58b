/** One run: what it is, what went wrong, and how it came there. */
import { html } from 'hono/html';
import type { ErrorRecord } from '../core/errors.ts';
import type { StepCompletedData } from '../core/event.ts';
import { isEnded } from '../core/run.ts';
import { waitText } from '../core/waits.ts';
import type { RunDetails, RunInfo } from '../engine/runs/run-info.ts';
import { actionsPart } from './actions-part.ts';
import { facts, type Html, payload, statusMark, table, time } from './layout.ts';
import { liveScript } from './live-script.ts';
import { type OwnedEvent, withOwners } from './owners.ts';
import { eventsPerPage, type RunView } from './reading.ts';
import { tagsOf } from './run-list-page.ts';
import type { Settings } from './settings.ts';
import { size, visible } from './words.ts';

export function runPage(
  settings: Settings,
  view: RunView,
  by: { readonly nonce: string; readonly token: string },
): Html {
  const { run, stored, graph } = view;
  const at = `${settings.base}/runs/${run.id}`;
  const isNewest = view.after + view.events.length >= run.seq;
  return html`<h1><bdi>${visible(run.id)}</bdi></h1>
    <p>
      ${statusMark(run.status)}${run.paused ? ' paused' : ''} ·
      <bdi>${visible(run.workflow)}</bdi> · <a href="${at}.json">JSON</a> ·
      <a href="${at}?refresh=5">reload every 5 s</a>
    </p>
    ${header(settings.base, run)} ${run.error === undefined ? '' : errorPart(run.error)}
    ${waitsPart(settings.base, run)} ${workPart(run)} ${actionsPart(settings, run, by.token)}
    <h2 id="log">Events</h2>
    ${pager(at, view)}
    <ol class="events" id="events">
      ${withOwners(view.events).map((one) => eventItem(at, one))}
    </ol>
    <p id="live" role="status" class="dim"></p>
    ${isNewest && !isEnded(run.status) ? liveScript(by.nonce, at, run) : ''}
    <h2>Steps of these events</h2>
    ${stepsPart(at, view)}
    <h2>State as stored</h2>
    <p class="dim">
      The snapshot of version ${run.version}, up to event ${run.snapshotSeq} of ${run.seq}.
    </p>
    ${stored.state === undefined ? html`<p>No snapshot was saved yet.</p>` : payload(stored.state, `${at}.json`)}
    <h2>Input</h2>
    ${payload(stored.input, `${at}.json`)}
    ${
      run.hasOutput
        ? html`<h2>Output</h2>
            ${payload(stored.output, `${at}.json`)}`
        : ''
    }
    ${checkpointsPart(at, view)}
    ${
      graph === undefined
        ? ''
        : html`<h2>Graph, as Mermaid</h2>
            <pre tabindex="0">${visible(graph)}</pre>`
    }`;
}

function header(base: string, run: RunInfo): Html {
  return facts([
    ['Worker', run.worker === undefined ? '–' : html`<bdi>${visible(run.worker)}</bdi>`],
    ['Fence', run.fence],
    ['Seq', run.seq],
    ['Snapshot version', run.version],
    ['Code version', run.codeVersion],
    ...(run.needsVersion === undefined
      ? []
      : ([['Needs code version', run.needsVersion]] as const)),
    ['Take-overs', run.takeovers],
    ['Log', size(run.bytes)],
    ['Created', time(run.createdAt)],
    ['Status since', time(run.changedAt)],
    ...(run.wakeAt === undefined ? [] : ([['Wakes', time(run.wakeAt)]] as const)),
    ...(run.deadlineAt === undefined ? [] : ([['Deadline', time(run.deadlineAt)]] as const)),
    ...(run.parent === undefined
      ? []
      : ([['Started by', html`<a href="${base}/runs/${run.parent}">${run.parent}</a>`]] as const)),
    ...(run.progress === undefined
      ? []
      : ([
          [
            'Progress',
            `${Math.round(run.progress.fraction * 100)} % ${visible(run.progress.message)}`,
          ],
        ] as const)),
    ...(run.key === undefined ? [] : ([['Key', html`<bdi>${visible(run.key)}</bdi>`]] as const)),
    ['Tags', tagsOf(run) === '' ? '–' : html`<bdi>${tagsOf(run)}</bdi>`],
  ]);
}

function waitsPart(base: string, { waits }: RunInfo): Html {
  if (waits.length === 0) return html``;
  const rows = waits.map((wait) => {
    const label = wait.label === undefined ? '' : html` <bdi>${visible(wait.label)}</bdi>`;
    const what = html`<bdi>${visible(waitText(wait))}</bdi>${label}`;
    const [child] = wait.kind === 'child' ? (wait.on ?? []) : [];
    return [
      child === undefined ? what : html`<a href="${base}/runs/${child}">${what}</a>`,
      html`<bdi>${visible(wait.name)}</bdi>`,
      time(wait.since),
      wait.until === undefined ? '–' : time(wait.until),
    ];
  });
  return html`<h2>Waits for</h2>
    ${table(['What', 'Name', 'Since', 'Until'], rows)}`;
}

function workPart({ atWork }: RunDetails): Html {
  if (atWork.length === 0) return html``;
  const rows = atWork.map(({ name, attempt, since }) => [
    html`<bdi>${visible(name)}</bdi>`,
    String(attempt),
    time(since),
  ]);
  return html`<h2>At work</h2>
    ${table(['Step', 'Attempt', 'Since'], rows)}`;
}

function errorPart({ name, message, code, stack }: ErrorRecord): Html {
  return html`<section class="error" aria-label="Error">
    <p>
      <strong>${visible(name)}</strong>${code === undefined ? '' : ` (${visible(code)})`}:
      ${visible(message)}
    </p>
    ${
      stack === undefined
        ? ''
        : html`<details>
            <summary>Stack</summary>
            <pre tabindex="0">${visible(stack)}</pre>
          </details>`
    }
  </section>`;
}

function pager(at: string, { run, after, events }: RunView): Html {
  const end = after + events.length;
  const older = Math.max(0, after - eventsPerPage);
  return html`<p>
    ${events.length === 0 ? 'None' : `${after + 1} to ${end}`} of ${run.seq}
    ${after === 0 ? '' : html`<a rel="prev" href="${at}?after=${older}#log">Earlier</a>`}
    ${end >= run.seq ? '' : html`<a rel="next" href="${at}?after=${end}#log">Later</a>`}
  </p>`;
}

function eventItem(at: string, { event, owner, colour, turn }: OwnedEvent): Html {
  const kind = `${colour === undefined ? 'nobody' : `colour-${colour}`}${turn === undefined ? '' : ' turn'}`;
  const held = colour === undefined ? 'nobody' : (owner ?? `fence ${event.fence}`);
  return html`<li class="${kind}" id="e${event.seq}">
    <details>
      <summary class="head">
        <span class="seq">${event.seq}</span> <bdi>${visible(event.type)}</bdi>
        ${turn === undefined ? '' : html`<bdi>${visible(turn)}</bdi>`}
        ${event.branch === undefined ? '' : html`<span class="dim">branch <bdi>${visible(event.branch)}</bdi></span>`}
        <span class="dim">${time(event.at)}</span>
        <span class="dim">held by <bdi>${visible(held)}</bdi></span>
      </summary>
      ${payload(event.data, `${at}/events/${event.seq}.json`)}
    </details>
  </li>`;
}

function stepsPart(at: string, { events }: RunView): Html {
  const done = events.filter(({ type }) => type === 'step.completed');
  if (done.length === 0) return html`<p>None.</p>`;
  const rows = done.map(({ seq, data }) => {
    const { name, result, attempts } = data as StepCompletedData;
    return [
      html`<a href="#e${seq}"><bdi>${visible(name)}</bdi></a>`,
      attempts === 1 ? '1 attempt' : `${attempts} attempts`,
      payload(result, `${at}/events/${seq}.json`),
    ];
  });
  return table(['Step', 'Attempts', 'Result'], rows);
}

function checkpointsPart(at: string, { checkpoints }: RunView): Html {
  if (checkpoints.length === 0) return html``;
  const rows = checkpoints.map(({ id, label, node, seq, bytes, at: kept }) => [
    visible(id),
    html`<bdi>${visible(label ?? node ?? '–')}</bdi>`,
    html`<a href="${at}?after=${Math.max(0, seq - 1)}#log">event ${seq}</a>`,
    size(bytes),
    time(kept),
  ]);
  return html`<h2>Checkpoints</h2>
    ${table(['Id', 'Label', 'At', 'Size', 'Kept'], rows)}`;
}
