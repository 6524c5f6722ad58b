/** The state of a run at any moment, what differs from another moment, and the way to a fork from there. */
import { html } from 'hono/html';
import type { CheckpointInfo } from '../core/checkpoint.ts';
import type { Difference } from '../engine/runs/diff.ts';
import type { RunInfo } from '../engine/runs/run-info.ts';
import type { Html } from './html.ts';
import type { Moment } from './moment.ts';
import { count, payload, table } from './parts.ts';
import { time } from './times.ts';
import { inLine, size, visible } from './words.ts';

const differencesShown = 100;
const valueLength = 200;

export interface StateView {
  readonly run: RunInfo;
  readonly moment: Moment;
  /** True where the page knows the code of the workflow. */
  readonly isKnown: boolean;
  readonly canFork: boolean;
}

export function statePart(page: string, view: StateView): Html {
  const { run, moment, isKnown } = view;
  if (isKnown && moment.problem === undefined && isEmpty(moment)) {
    const fork = view.canFork ? html` <a href="${page}/fork">Fork…</a>` : '';
    return html`<h2 id="state">State</h2>
      <p class="dim">The workflow keeps no state beside its steps.${fork}</p>`;
  }
  return html`<h2 id="state">State</h2>
    ${isKnown ? scrubber(page, run, moment) : ''}
    <div id="moment">${momentPart(page, view)}</div>`;
}

function isEmpty({ state, isNow }: Moment): boolean {
  return isNow && typeof state === 'object' && state !== null && Object.keys(state).length === 0;
}

/** A form that works by itself; with a script its slider shows each moment as it is passed. */
function scrubber(page: string, run: RunInfo, { at, from = '' }: Moment): Html {
  const seq = /^\d+$/.test(at) ? Number(at) : run.seq;
  const go = (to: number, text: string, word: string): Html =>
    to < 1 || to > run.seq || to === seq
      ? html`<span class="step-link dim" aria-hidden="true">${text}</span>`
      : html`<a class="step-link" href="${page}?at=${to}#state" aria-label="${word}">${text}</a>`;
  return html`<form
    class="filter scrubber"
    method="get"
    action="${page}#state"
    data-state="${page}/state"
  >
    <label class="wide script-only"
      >Moment <input id="scrub" type="range" min="1" max="${run.seq}" value="${seq}"
    /></label>
    <span class="steps">
      ${go(1, '⇤', 'The first event')} ${go(seq - 1, '‹', 'One event back')}
      ${go(seq + 1, '›', 'One event on')} ${go(run.seq, '⇥', 'The newest event')}
    </span>
    <label>State at <input name="at" value="${at}" size="8" /></label>
    <label>compared with <input name="from" value="${from}" size="8" /></label>
    <button>Show</button>
    <span class="dim">seq, or the id of a checkpoint</span>
  </form>`;
}

/** What the moment is, in words, with its state: also alone, for the slider. */
export function momentPart(page: string, { run, moment, isKnown, canFork }: StateView): Html {
  const { at, isNow, state, isStored, problem } = moment;
  const isSeq = /^\d+$/.test(at);
  const where = isStored
    ? `The last snapshot, version ${run.version}, folded up to event ${run.snapshotSeq} of ${run.seq}.`
    : isSeq
      ? `After event ${at} of ${run.seq}${isNow ? ', the newest' : ''}.`
      : `As checkpoint ${at} keeps it.`;
  const fork = canFork && isKnown ? html` <a href="${page}/fork?at=${at}">Fork from here…</a>` : '';
  const whole = `${page}/state.json?at=${at}`;
  return html`<p class="dim">
      ${where} ${isNow ? '' : html`<a href="${page}#state">The newest</a>`}${fork}
    </p>
    ${problem === undefined ? '' : html`<p class="error">${visible(problem)}</p>`}
    ${differencesPart(moment)}
    ${state !== undefined ? payload(state, whole) : problem !== undefined ? '' : nothing(isStored)}`;
}

function nothing(isStored: boolean): Html {
  const said = isStored
    ? 'No snapshot was saved yet. With the code of its workflow (pawl ui --runs) the page folds the events instead.'
    : 'The run has no state.';
  return html`<p>${said}</p>`;
}

const signs = { added: '+', removed: '−', changed: '~' } as const;

function differencesPart({ from, at, differences }: Moment): Html {
  if (differences === undefined) return html``;
  const shown = differences.slice(0, differencesShown);
  const left = differences.length - shown.length;
  const title =
    differences.length === 0 ? 'nothing differs' : count(differences.length, 'difference');
  return html`<h3>From ${from} to ${at}: ${title}</h3>
    <ul class="diff">
      ${shown.map(differencePart)}
    </ul>
    ${left === 0 ? '' : html`<p class="dim">${count(left, 'more difference')} in the JSON.</p>`}`;
}

function differencePart({ path, kind, before, after }: Difference): Html {
  const place = visible(path.length === 0 ? 'the whole state' : path.join('.'));
  const was = kind === 'added' ? '' : html`<del>${inLine(before, valueLength)}</del> `;
  const is = kind === 'removed' ? '' : html`<ins>${inLine(after, valueLength)}</ins>`;
  return html`<li class="${kind}">
    <span class="sign" aria-hidden="true">${signs[kind]}</span>
    <span class="hidden">${kind}</span> <code>${place}</code> ${was}${is}
  </li>`;
}

export function checkpointsPart(
  page: string,
  checkpoints: readonly CheckpointInfo[],
  { isKnown, canFork }: Pick<StateView, 'isKnown' | 'canFork'>,
): Html {
  if (checkpoints.length === 0) return html``;
  const rows = checkpoints.map((one, i) => {
    const { id, label, node, seq, bytes, at: kept, metadata } = one;
    const older = checkpoints[i + 1];
    const to = (query: string): string => `${page}?${query}#state`;
    return [
      isKnown ? html`<a href="${to(`at=${id}`)}">${id}</a>` : visible(id),
      html`<bdi>${visible(label ?? node ?? '–')}</bdi>`,
      html`<a href="${page}?after=${Math.max(0, seq - 1)}#e${seq}">event ${seq}</a>`,
      size(bytes),
      time(kept),
      metadata === undefined ? '' : html`<bdi>${inLine(metadata, 80)}</bdi>`,
      html`${isKnown && older !== undefined ? html`<a href="${to(`at=${id}&from=${older.id}`)}">Changes since ${older.id}</a> ` : ''}
      ${canFork && isKnown ? html`<a href="${page}/fork?at=${id}">Fork…</a>` : ''}`,
    ];
  });
  return html`<h2 id="checkpoints">Checkpoints</h2>
    ${table(['Id', 'Label', 'At', 'Size', 'Kept', 'Metadata', 'Look at'], rows)}`;
}
