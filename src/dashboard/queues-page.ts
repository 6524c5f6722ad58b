/** The queues of BullMQ, one for each workflow: what waits there, whether it is taken, and how to hold it back. */
import { html } from 'hono/html';
import { mayDo } from './access.ts';
import type { QueueRow } from './common.ts';
import { age } from './fleet/ages.ts';
import { livePart } from './fleet/rows.ts';
import type { Html } from './html.ts';
import { count } from './parts.ts';
import type { Settings } from './settings.ts';
import { time } from './times.ts';
import { visible } from './words.ts';

export function queuesPage(settings: Settings, queues: readonly QueueRow[], token: string): Html {
  const { base } = settings;
  return html`<h1>Queues</h1>
    <p class="dim">
      The wake-ups of each workflow, in BullMQ. A run that waits for a signal or a time is in no
      queue.
      ${settings.queueBoard ? html`<a href="${base}/board/">All jobs, in bull-board</a>` : ''}
    </p>
    <div data-live="${base}/live/queues">
      <p id="live" class="dim script-only" aria-live="polite"></p>
      ${queuesParts(settings, queues, token)}
    </div>
    <p><code class="command">pawl queues</code></p>`;
}

/** What stays true while the page is open. */
export function queuesParts(settings: Settings, queues: readonly QueueRow[], token: string): Html {
  const { base } = settings;
  if (queues.length === 0) {
    return livePart(
      'rows',
      html`<p>
        No worker is there, so no queue is known.
        <a href="${base}/runs?status=queued">Queued runs</a> wait for one:
        <code>pawl.worker({ workflows })</code>.
      </p>`,
    );
  }
  const paused = queues.filter((one) => one.paused);
  return livePart(
    'rows',
    html`${
        paused.length === 0
          ? ''
          : html`<p class="error">
              ${count(paused.length, 'queue is', 'queues are')} paused in BullMQ: no run of theirs
              is taken up.
            </p>`
      }
      <ul class="inbox queues" data-rows>
        ${queues.map((queue) => queuePart(settings, queue, token))}
      </ul>`,
  );
}

function queuePart(settings: Settings, queue: QueueRow, token: string): Html {
  const { base } = settings;
  const { workflow, name, prefix, paused, waiting, active, failed, workers } = queue;
  const runs = new URLSearchParams({ workflow }).toString();
  const ofRuns = `${base}/runs?${runs}`;
  return html`<li data-key="${workflow}">
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
  return oldestAt === undefined ? '–' : html`${age(oldestAt)}, ${time(oldestAt)}`;
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
