/** What runs wait for that a person may answer: each wait with a form of its own. Works without a script. */
import { html } from 'hono/html';
import {
  type DecisionItem,
  decisionItems,
  decisionKinds,
  type InboxItem,
  inboxItems,
} from '../engine/runs/inbox-items.ts';
import type { Pawl } from '../pawl.ts';
import { actionForm } from './action-form.ts';
import { commandLine } from './command-line.ts';
import { decisionForm } from './decision-form.ts';
import type { EventSchemas } from '../engine/definition/context.ts';
import { formFields } from '../engine/definition/zod-schema.ts';
import { fieldPart } from './fields.ts';
import type { Html } from './html.ts';
import { age } from './fleet/ages.ts';
import { livePart } from './fleet/rows.ts';
import { time } from './times.ts';
import type { Asked } from './fleet/search.ts';
import type { Settings } from './settings.ts';
import { visible } from './words.ts';

interface Inbox {
  /** On the first page, when nobody asks for one signal. */
  readonly decisions: readonly DecisionItem[];
  readonly items: readonly InboxItem[];
  readonly cursor: string | undefined;
}

/** The waits of a page of runs. @throws InvalidError for a bad name or key. */
export async function readInbox(pawl: Pawl, asked: Asked): Promise<Inbox> {
  const { signal = '', key = '', workflow = '', cursor = '' } = asked;
  const { runs, cursor: next } = await pawl.list({
    waitsFor: signal === '' ? 'kind:signal' : signal,
    ...(key === '' ? {} : { waitKey: key }),
    ...(workflow === '' ? {} : { workflow }),
    ...(cursor === '' ? {} : { cursor }),
  });
  const only = { signal: signal || undefined, key: key || undefined };
  const isFirst = signal === '' && key === '' && cursor === '';
  const decisions = isFirst ? await readDecisions(pawl, workflow) : [];
  return { decisions, items: inboxItems(runs, only), cursor: next };
}

async function readDecisions(pawl: Pawl, workflow: string): Promise<DecisionItem[]> {
  const ofWorkflow = workflow === '' ? {} : { workflow };
  const pages = await Promise.all(
    decisionKinds.map((waitsFor) => pawl.list({ waitsFor, ...ofWorkflow })),
  );
  return decisionItems(pages.flatMap(({ runs }) => runs));
}

type Shown = Inbox & { readonly token: string };

export function inboxPage(settings: Settings, asked: Asked, shown: Shown): Html {
  const { base } = settings;
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''));
  return html`<h1>Inbox</h1>
    <p class="dim">Parked runs that wait for an answer. The first answer to a wait is taken.</p>
    ${filter(base, asked)}
    <div data-live="${base}/live/inbox?${new URLSearchParams(given).toString()}">
      <p id="live" class="dim script-only" aria-live="polite"></p>
      ${inboxParts(settings, asked, shown)}
    </div>
    <p><code class="command">pawl inbox</code></p>`;
}

export function inboxParts(settings: Settings, asked: Asked, shown: Shown): Html {
  const { base } = settings;
  const { decisions, items, cursor, token } = shown;
  const given = Object.entries({ ...asked, cursor: cursor ?? '' });
  const more = new URLSearchParams(Object.fromEntries(given.filter(([, value]) => value !== '')));
  const isFiltered = ['signal', 'key', 'workflow'].some((name) => (asked[name] ?? '') !== '');
  const isPart = (asked['cursor'] ?? '') !== '' || cursor !== undefined;
  const none = html`<p>
    No run waits for an answer${isPart ? ' on this page' : ''}.
    ${isFiltered ? html`<a href="${base}/inbox">All that is waited for</a>` : html`A run asks a person by <code>ctx.waitFor(signal)</code>.`}
  </p>`;
  return livePart(
    'inbox',
    html`${
        decisions.length === 0
          ? ''
          : html`<ul class="inbox">
              ${decisions.map((one) => decisionPart(settings, one, token))}
            </ul>`
      }
      ${items.length === 0 ? none : ''}
      <ul class="inbox">
        ${items.map((item) => itemPart(settings, item, token))}
      </ul>
      <p class="pages">
        ${asked['cursor'] ? html`<a href="${base}/inbox">First page</a> ` : ''}
        ${cursor === undefined ? '' : html`<a rel="next" href="${base}/inbox?${more.toString()}">More</a>`}
      </p>`,
  );
}

function filter(base: string, asked: Asked): Html {
  return html`<form class="filter" method="get" action="${base}/inbox" role="search">
    <label>Signal <input name="signal" value="${asked['signal'] ?? ''}" /></label>
    <label>Key <input name="key" value="${asked['key'] ?? ''}" /></label>
    <label>Workflow <input name="workflow" value="${asked['workflow'] ?? ''}" /></label>
    <button>Filter</button>
  </form>`;
}

/** What only a person can settle stands before what is asked for on purpose. */
function decisionPart({ base, actions }: Settings, item: DecisionItem, token: string): Html {
  const { run, workflow, kind, name, since, paused } = item;
  const what = kind === 'undo' ? 'This could not be undone' : 'Nobody knows whether this happened';
  return html`<li>
    <h2>${what}: <bdi>${visible(name)}</bdi></h2>
    <p>
      <a href="${base}/runs/${run}"><bdi>${visible(run)}</bdi></a> of
      <bdi>${visible(workflow)}</bdi>${paused ? ', paused' : ''}
    </p>
    <p class="dim">waits ${age(since)}</p>
    ${
      actions.includes('decide')
        ? html`<div class="acts">${decisionForm(base, item, token)}</div>`
        : ''
    }
  </li>`;
}

function itemPart(settings: Settings, item: InboxItem, token: string): Html {
  const { base, actions } = settings;
  const { run, workflow, wait, signals, key, since, until, label, paused } = item;
  return html`<li>
    <h2><bdi>${visible(label ?? wait)}</bdi></h2>
    <p>
      <a href="${base}/runs/${run}"><bdi>${visible(run)}</bdi></a> of
      <bdi>${visible(workflow)}</bdi>${paused ? ', paused' : ''}
    </p>
    <p class="dim">
      signal
      <bdi>${visible(signals.join(', '))}</bdi
      >${key === undefined ? '' : html` · key <bdi>${visible(key)}</bdi>`} · waits
      ${age(since)}${until === undefined ? '' : html` · until ${time(until)}`}
    </p>
    ${actions.includes('answer') ? answerForm(settings, item, token) : ''}
  </li>`;
}

function answerForm(settings: Settings, item: InboxItem, token: string): Html {
  const { run, wait, signals } = item;
  const fields = html`<input
      type="hidden"
      name="wait"
      value="${wait}"
    />${signalField(signals)}${answerFields(settings, item)}`;
  const to = `${settings.base}/runs/${run}/answer`;
  const command = commandLine('runs', 'answer', run, wait, '--data', '<json>');
  return html`<div class="acts">
    ${actionForm({ to, token, verb: 'Answer', fields, command })}
  </div>`;
}

/** By what the wait says that a person fills in, else by the schema of the one signal, else as JSON. */
function answerFields({ workflows }: Settings, { form, signals, workflow }: InboxItem): Html {
  if (form !== undefined) {
    return html`${Object.entries(form).map(([name, field]) => fieldPart(name, field))}`;
  }
  const [signal, another] = signals;
  const schemas = (workflows.get(workflow)?.definition.signals ?? {}) as EventSchemas;
  const fields =
    signal === undefined || another !== undefined ? undefined : formFields(schemas[signal]);
  return fields === undefined || fields.size === 0
    ? html`<label>Answer, as JSON <textarea name="payload">null</textarea></label>`
    : html`${[...fields].map(([name, kind]) => fieldPart(name, kind))}`;
}

/** A choice where the wait is for several. */
function signalField(signals: readonly string[]): Html {
  if (signals.length < 2) return html``;
  return html`<label
    >Signal
    <select name="signal">
      ${signals.map((name) => html`<option>${name}</option>`)}
    </select></label
  >`;
}
