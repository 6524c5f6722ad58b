/** The workers that are registered now: what they hold, how late they are, which code they have; and ways to end one. */
import { html } from 'hono/html';
import type { WorkerRecord } from '../../core/fleet.ts';
import { actionForm, folded } from '../action-form.ts';
import { commandLine } from '../command-line.ts';
import type { Html } from '../html.ts';
import type { KillableWorker } from '../killable.ts';
import { count, shortWorker, workerName } from '../parts.ts';
import type { Settings } from '../settings.ts';
import { spanText, time } from '../times.ts';
import { visible } from '../words.ts';
import { age } from './ages.ts';
import { livePart, rowTable } from './rows.ts';

/** A loop that is blocked for longer than this makes beats late, and take-overs by mistake likely. */
const lagMs = 1_000;

export function workersPage(
  settings: Settings,
  workers: readonly WorkerRecord[],
  token: string,
): Html {
  return html`<h1>Workers</h1>
    <div data-live="${settings.base}/live/workers">
      <p id="live" class="dim script-only" aria-live="polite"></p>
      ${workersParts(settings, workers, token)}
    </div>
    <p><code class="command">pawl workers list</code></p>`;
}

export function workersParts(
  settings: Settings,
  workers: readonly WorkerRecord[],
  token: string,
): Html {
  const { base } = settings;
  if (workers.length === 0) {
    return livePart(
      'rows',
      html`<p>
        No worker is there; runs wait for one. A program makes one by
        <code>pawl.worker({ workflows })</code>, and a shell by
        <code class="command">pawl dev --runs &lt;file&gt;</code>.
      </p>`,
    );
  }
  const newest = newestVersions(workers);
  const old = workers.filter((worker) => olderThan(worker, newest).length > 0).length;
  const mayDrain = settings.actions.includes('drain');
  const mayKill = settings.actions.includes('kill');
  const killable = settings.killable();
  const head = [
    'Worker',
    'Is',
    'Runs',
    'Loop lag',
    'Last beat',
    'Up for',
    'Workflows',
    ...(mayDrain ? ['Drain'] : []),
    ...(mayKill ? ['Kill'] : []),
  ];
  const rows = workers.map((worker) => ({
    key: worker.id,
    cells: [
      html`<a href="${base}/runs?${new URLSearchParams({ worker: worker.id }).toString()}"
          >${workerName(worker.id)}</a
        >${named(worker)}`,
      state(worker),
      load(worker),
      worker.loopLagMs >= lagMs
        ? html`<span class="bad">▲ ${spanText(worker.loopLagMs)}</span>`
        : spanText(worker.loopLagMs),
      time(new Date(worker.seenAt)),
      age(new Date(worker.startedAt)),
      versions(worker, newest),
      ...(mayDrain ? [worker.draining ? '' : drainForm(base, worker, token)] : []),
      ...(mayKill ? [killForm(base, { worker, way: killable.get(worker.id) }, token)] : []),
    ],
  }));
  return livePart(
    'rows',
    html`<p>
        ${count(workers.length, 'worker')}${old === 0 ? '' : html`, <span class="warn">${old} with older code than another one</span>`}
      </p>
      ${rowTable('Workers', head, rows)}`,
  );
}

/** Its host and process, where the short name does not say them. */
function named({ id, host, pid }: WorkerRecord): Html | string {
  const said = `${host}-${pid}`;
  return shortWorker(id) === said
    ? ''
    : html`<span class="under"><bdi>${visible(host)}</bdi>, process ${pid}</span>`;
}

function state({ draining, presence }: WorkerRecord): Html {
  const seen = presence
    ? ''
    : html`<span class="under warn">if it dies, pawl notices when its session ends</span>`;
  return draining
    ? html`<span class="warn">▲ draining</span>${seen}`
    : html`<span class="good">● working</span>${seen}`;
}

function load({ active, concurrency, workflows, id }: WorkerRecord): Html {
  const places = concurrency * Math.max(1, Object.keys(workflows).length);
  return html`<progress
      max="${places}"
      value="${Math.min(active, places)}"
      aria-label="Places taken at ${visible(shortWorker(id))}"
    ></progress>
    <span class="under">${active.toLocaleString('en')} of ${places.toLocaleString('en')}</span>`;
}

function newestVersions(workers: readonly WorkerRecord[]): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const [name, version] of workers.flatMap(({ workflows }) => Object.entries(workflows)))
    newest.set(name, Math.max(version, newest.get(name) ?? 0));
  return newest;
}

function olderThan({ workflows }: WorkerRecord, newest: ReadonlyMap<string, number>): string[] {
  return Object.entries(workflows)
    .filter(([name, version]) => version < (newest.get(name) ?? 0))
    .map(([name]) => name);
}

const namesShown = 4;

function versions(worker: WorkerRecord, newest: ReadonlyMap<string, number>): Html {
  const older = new Set(olderThan(worker, newest));
  const all = Object.entries(worker.workflows).map(([name, version]) => {
    const said = html`<bdi>${visible(name)}</bdi>@${version}`;
    return older.has(name) ? html`<span class="warn">${said} (older)</span> ` : html`${said} `;
  });
  if (all.length <= namesShown) return html`${all}`;
  return html`${all.slice(0, namesShown)}
    <details>
      <summary>${all.length - namesShown} more</summary>
      ${all.slice(namesShown)}
    </details>`;
}

function drainForm(base: string, { id, active }: WorkerRecord, token: string): Html {
  const holds =
    active === 0 ? 'It holds nothing.' : `Others take the ${count(active, 'run')} it holds.`;
  const form = actionForm({
    to: `${base}/workers/${encodeURIComponent(id)}/drain`,
    token,
    verb: 'Drain',
    question: `Yes, close this worker. ${holds}`,
    command: commandLine('workers', 'drain', id),
  });
  return html`<div class="acts">${folded('Drain…', form)}</div>`;
}

/** Nothing for a worker that somebody else has started. */
function killForm(
  base: string,
  { worker, way }: { readonly worker: WorkerRecord; readonly way: KillableWorker | undefined },
  token: string,
): Html | string {
  if (way === undefined) return '';
  const { id, active } = worker;
  const holds =
    active === 0 ? 'It holds nothing.' : `Its ${count(active, 'run')} will be taken over.`;
  const form = actionForm({
    to: `${base}/workers/${encodeURIComponent(id)}/kill`,
    token,
    verb: `Kill (${way.how})`,
    question: `Yes, end this worker in the middle of its work. ${holds}`,
    ...(way.command === undefined ? {} : { command: way.command }),
  });
  return html`<div class="acts">${folded('Kill…', form)}</div>`;
}
