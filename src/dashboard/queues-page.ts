/** The queues of BullMQ, one for each workflow: what waits there, whether it is taken, and how to hold it back. */
import { html } from 'hono/html';
import type { QueueInfo } from '../core/queue.ts';
import { mayDo } from './access.ts';
import type { Html } from './html.ts';
import { count } from './parts.ts';
import type { Settings } from './settings.ts';
import { spanText, time } from './times.ts';
import { visible } from './words.ts';

const rateMs = 60_000;
/** Two looks that are closer than this tell no rate. */
const apartMs = 2_000;

/** How many jobs are sent in a minute, by two looks at how many ever were. */
export class Rates {
  readonly #looks = new Map<string, { readonly sent: number; readonly at: number }[]>();

  /** Jobs in a minute, canaries among them; undefined before the second look. */
  of({ workflow, sent }: QueueInfo, now: number): number | undefined {
    const looks = (this.#looks.get(workflow) ?? []).filter(({ at }) => now - at <= rateMs);
    const [first] = looks;
    this.#looks.set(workflow, [...looks, { sent, at: now }].slice(-50));
    if (first === undefined || now - first.at < apartMs || sent < first.sent) return undefined;
    return ((sent - first.sent) / (now - first.at)) * rateMs;
  }
}

export interface QueueRow extends QueueInfo {
  readonly perMinute: number | undefined;
}

export function queuesPage(settings: Settings, queues: readonly QueueRow[], token: string): Html {
  const { base } = settings;
  if (queues.length === 0) {
    return html`<h1>Queues</h1>
      <p>
        No worker is there, so no queue is known.
        <a href="${base}/runs?status=queued">Queued runs</a> wait for one:
        <code>pawl.worker({ workflows })</code>.
      </p>`;
  }
  const paused = queues.filter((one) => one.paused);
  return html`<h1>Queues</h1>
    <p class="dim">
      The wake-ups of each workflow, in BullMQ. A run that waits for a signal or a time is in no
      queue.
      ${settings.queueBoard ? html`<a href="${base}/board/">All jobs, in bull-board</a>` : ''}
    </p>
    ${
      paused.length === 0
        ? ''
        : html`<p class="error">
            ${count(paused.length, 'queue is', 'queues are')} paused in BullMQ: no run of theirs is
            taken up.
          </p>`
    }
    <ul class="inbox queues">
      ${queues.map((queue) => queuePart(settings, queue, token))}
    </ul>
    <p><a href="${base}/queues?refresh=5">Load again every five seconds</a></p>`;
}

function queuePart(settings: Settings, queue: QueueRow, token: string): Html {
  const { base } = settings;
  const { workflow, name, prefix, paused, waiting, active, failed, workers } = queue;
  const runs = new URLSearchParams({ workflow }).toString();
  const ofRuns = `${base}/runs?${runs}`;
  return html`<li>
    <h2><bdi>${visible(workflow)}</bdi>${paused ? html` <b class="warn">paused</b>` : ''}</h2>
    <dl>
      ${fact('Waiting', waiting)} ${fact('Oldest', oldest(queue))} ${fact('At work', active)}
      ${fact('Failed', failed === 0 ? 0 : html`<a href="${ofRuns}&status=failed">${failed}</a>`)}
      ${fact('Sent', rate(queue))} ${fact('Workers', workers)}
    </dl>
    <p class="dim">
      <a href="${ofRuns}">Its runs</a> ·
      <code>new Queue('${visible(name)}', { prefix: '${visible(prefix)}' })</code>
    </p>
    ${mayDo(settings.role, 'operate') ? forms(base, queue, token) : ''}
  </li>`;
}

function fact(name: string, value: unknown): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function oldest({ oldestAt }: QueueRow): unknown {
  if (oldestAt === undefined) return '–';
  const age = spanText(Math.max(0, Date.now() - oldestAt.getTime()));
  return html`${age}, ${time(oldestAt)}`;
}

function rate({ perMinute, sent }: QueueRow): string {
  const all = `${sent.toLocaleString('en')} in all`;
  if (perMinute === undefined) return all;
  const said =
    perMinute > 0 && perMinute < 10
      ? perMinute.toFixed(1)
      : Math.round(perMinute).toLocaleString('en');
  return `${said} a minute, ${all}`;
}

function forms(base: string, { workflow, paused }: QueueRow, token: string): Html {
  const form = (action: string, verb: string): Html =>
    html`<form method="post" action="${base}/queues/${encodeURIComponent(workflow)}/${action}">
      <input type="hidden" name="token" value="${token}" />
      <button>${verb}</button>
    </form>`;
  return html`<div class="acts">
    ${paused ? form('resume', 'Resume') : form('pause', 'Pause')}
    ${paused ? '' : form('canary', 'Send a canary')}
  </div>`;
}
