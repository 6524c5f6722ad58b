/**
 * One run: what it is, what went wrong, and how it came there. Each part that may change while the page is open is marked
 * with `data-part`: the script replaces it by the same part of the page as the server makes it then.
 */
import { html } from 'hono/html';
import type { StepCompletedData } from '../core/event.ts';
import { threadWorkflow } from '../core/langgraph.ts';
import { isEnded } from '../core/run.ts';
import { waitText } from '../core/waits.ts';
import type { RunDetails } from '../engine/runs/run-info.ts';
import { actionsPart } from './actions-part.ts';
import { commandLine, commandPart } from './command-line.ts';
import { errorPart } from './error-part.ts';
import { errorWords } from './event-words.ts';
import { logPart } from './event-rows.ts';
import { familyPart } from './family.ts';
import { graphPart } from './graph/graph-part.ts';
import type { Html } from './html.ts';
import { outputPart } from './output-part.ts';
import { count, facts, payload, statusMark, table, workerName } from './parts.ts';
import type { RunView } from './reading.ts';
import { tagsOf } from './run-tags.ts';
import type { Settings } from './settings.ts';
import { checkpointsPart, statePart, type StateView } from './state-part.ts';
import { timelineOf } from './timeline/model.ts';
import { timelinePart } from './timeline/timeline-part.ts';
import { spanText, time } from './times.ts';
import { inLine, size, visible } from './words.ts';

export interface Showing {
  readonly settings: Settings;
  readonly view: RunView;
  readonly token: string;
  /** What else the page was asked for, to keep in its links: begins with `&`, or is empty. */
  readonly query: string;
}

export function runPage(showing: Showing): Html {
  const { settings, view, query } = showing;
  const { run, stored, given, checkpoints } = view;
  const state = stateView(showing);
  const canFork = state.isKnown && state.canFork;
  const page = `${settings.base}/runs/${run.id}`;
  const isNewest = view.after + view.events.length >= run.seq;
  const isLive = isNewest && !isEnded(run.status);
  return html`<div
    id="run"
    data-run="${run.id}"
    data-page="${page}"
    ${isLive ? html`data-live="${page}/live?after=${run.seq}" data-owner="${visible(run.worker ?? '')}"` : ''}
  >
    <h1>
      <bdi>${visible(run.id)}</bdi>
      <button class="copy script-only" data-copy="${run.id}">Copy id</button>
    </h1>
    ${nowParts(showing)} ${statePart(page, state)} ${checkpointsPart(page, checkpoints, state)}
    ${logPart({ page, canFork }, view, query)} ${outputPart(page, given, !isEnded(run.status))}
    <h2 id="input">Input</h2>
    ${payload(stored.input, `${page}.json`)} ${part('result', resultPart(page, view))}
    <h2>As JSON, and on the command line</h2>
    <p>
      <a href="${page}.json">This page as JSON</a>
      <button class="copy script-only" data-copy-from="${page}.json">Copy as JSON</button>
    </p>
    <p>${commandPart(commandLine('runs', 'show', run.id))}</p>
    <p>${commandPart(commandLine('runs', 'events', run.id, '--follow'))}</p>
  </div>`;
}

export function stateView({ settings, view }: Pick<Showing, 'settings' | 'view'>): StateView {
  const { run, moment } = view;
  const hasCode = settings.workflows.has(run.workflow);
  const isKnown = hasCode || run.workflow === threadWorkflow;
  return { run, moment, isKnown, canFork: hasCode && settings.actions.includes('fork') };
}

function part(name: string, content: Html): Html {
  return html`<div data-part="${name}">${content}</div>`;
}

/** The parts that change while a run is at work, for a page that is open. */
export function nowPage(showing: Showing): Html {
  const { settings, view } = showing;
  const page = `${settings.base}/runs/${view.run.id}`;
  return html`${nowParts(showing)} ${part('result', resultPart(page, view))}`;
}

function nowParts(showing: Showing): Html {
  const { settings, view, token } = showing;
  const { run, graph, family } = view;
  const { base } = settings;
  const page = `${base}/runs/${run.id}`;
  const shape = settings.workflows.get(run.workflow)?.graph;
  return html`${part('head', head(base, run))}
  ${part('error', run.error === undefined ? html`` : errorPart(run.error))}
  ${part('doing', html`${waitsPart(base, run)} ${workPart(run)}`)}
  ${part('actions', actionsPart({ settings, run, token }))}
  ${part('timeline', timelineSection(page, view))}
  ${part('graph', shape === undefined ? html`` : graphPart(shape, graph))}
  ${part('family', familyPart(base, run, family))} ${part('steps', stepsPart(page, view))}`;
}

function head(base: string, run: RunDetails): Html {
  const { progress, key, parent } = run;
  const took = run.changedAt.getTime() - run.createdAt.getTime();
  const optional: readonly (readonly [string, unknown])[] = [
    ...(run.takeovers === 0 ? [] : [['Take-overs', run.takeovers] as const]),
    ...(run.wakeAt === undefined ? [] : [['Wakes', time(run.wakeAt)] as const]),
    ...(run.deadlineAt === undefined ? [] : [['Deadline', time(run.deadlineAt)] as const]),
    ...(parent === undefined
      ? []
      : [['Started by', html`<a href="${base}/runs/${parent}">${parent}</a>`] as const]),
    ...(key === undefined ? [] : [['Key', html`<bdi>${visible(key)}</bdi>`] as const]),
    ...(tagsOf(run) === '' ? [] : [['Tags', html`<bdi>${tagsOf(run)}</bdi>`] as const]),
    ...(run.needsVersion === undefined ? [] : [['Needs code version', run.needsVersion] as const]),
  ];
  return html`<p class="headline" data-chunks="${run.chunks}">
      ${statusMark(run.status)}${run.paused ? html` <b class="warn">paused</b>` : ''} ·
      <bdi>${visible(run.workflow)}</bdi
      >${run.codeVersion === 0 ? '' : ` version ${run.codeVersion}`}
      ${progress === undefined ? '' : progressPart(progress)}
    </p>
    ${facts([
      ['Held by', run.worker === undefined ? 'nobody' : workerName(run.worker)],
      ['Events', run.seq.toLocaleString('en')],
      ['Created', time(run.createdAt)],
      [
        isEnded(run.status) ? 'Took' : 'Status since',
        isEnded(run.status) ? spanText(took) : time(run.changedAt),
      ],
      [
        'Snapshot',
        run.version === 0 ? 'none yet' : `version ${run.version}, to event ${run.snapshotSeq}`,
      ],
      ['Log', size(run.bytes)],
      ['Fence', html`<span class="fence" title="Only its holder may write">${run.fence}</span>`],
      ...optional,
    ])}`;
}

function progressPart({ fraction, message }: NonNullable<RunDetails['progress']>): Html {
  const percent = Math.round(fraction * 100);
  return html`· <progress max="100" value="${percent}" aria-label="Progress"></progress> ${percent}
    % <bdi>${visible(message)}</bdi>`;
}

function waitsPart(base: string, { waits }: RunDetails): Html {
  if (waits.length === 0) return html``;
  const rows = waits.map((wait) => {
    const label = wait.label === undefined ? '' : html` · <bdi>${visible(wait.label)}</bdi>`;
    const what = html`<bdi>${visible(waitText(wait))}</bdi>${label}`;
    const [child] = wait.kind === 'child' ? (wait.on ?? []) : [];
    return [
      child === undefined ? what : html`<a href="${base}/runs/${child}">${what}</a>`,
      html`<bdi>${visible(wait.name)}</bdi>`,
      time(wait.since),
      wait.until === undefined ? 'as long as it takes' : time(wait.until),
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
    time(since, true),
  ]);
  return html`<h2>At work</h2>
    ${table(['Step', 'Attempt', 'Since'], rows)}`;
}

function timelineSection(page: string, { run, past, after, events }: RunView): Html {
  const timeline = timelineOf(past, run, Date.now());
  if (timeline === undefined) return html``;
  const [first] = past;
  const end = after + events.length;
  const isPart = (first?.seq ?? 1) > 1 || end < run.seq;
  return html`<h2 id="timeline">
      Timeline${isPart ? html` <span class="dim">of events ${first?.seq} to ${end}</span>` : ''}
    </h2>
    ${timelinePart(page, timeline)}`;
}

/** The end of each step, the newest last. */
function stepsPart(page: string, { past, run }: RunView): Html {
  const done = past.filter(({ type }) => /^step\.(completed|failed|retried)$/.test(type));
  const newest = new Map(
    done.map((event) => [(event.data as StepCompletedData).name, event] as const),
  );
  const shown = [...newest.values()]
    .filter((event) => isResult(event.type, event.data))
    .slice(-stepsShown);
  if (shown.length === 0) return html``;
  const rows = shown.map(({ seq, type, data }) => {
    const { name, result, attempts, ms, error } = data as StepCompletedData & { error?: unknown };
    const isDone = type === 'step.completed';
    return [
      html`<a href="${page}?after=${Math.max(0, seq - 1)}#e${seq}"><bdi>${visible(name)}</bdi></a>`,
      isDone
        ? html`<span class="good">✓ done</span>`
        : html`<span class="bad">${type === 'step.failed' ? '✕ failed' : '↻ tried again'}</span>`,
      attempts === 1 ? '1 attempt' : `${attempts} attempts`,
      ms === undefined ? '' : spanText(ms),
      html`<bdi class="value">${visible(isDone ? inLine(result, 160) : errorWords(error))}</bdi>`,
    ];
  });
  const left = newest.size - shown.length;
  return html`<h2 id="steps">Results of steps</h2>
    <details ${run.status === 'failed' ? html`open` : ''}>
      <summary>
        ${count(shown.length, 'result')}${left > 0 ? html`, without those that are not shown` : ''}
      </summary>
      ${table(['Step', 'Is', 'Attempts', 'Took', 'Result'], rows)}
    </details>`;
}

const stepsShown = 200;

/** Most steps return nothing, which needs no row, unless they failed. */
function isResult(type: string, data: unknown): boolean {
  const { result } = data as { readonly result?: unknown };
  return type !== 'step.completed' || (result !== undefined && result !== null);
}

function resultPart(page: string, { run, stored }: RunView): Html {
  if (!run.hasOutput) return html``;
  return html`<h2 id="output">Output</h2>
    ${payload(stored.output, `${page}.json`)}`;
}
