/** Whether runs go on, with what was looked at, what should be there, and what to do. */
import { html } from 'hono/html';
import type { QueueInfo } from '../../core/queue.ts';
import type { Health } from '../../engine/worker/health.ts';
import type { Pawl } from '../../pawl.ts';
import type { Html } from '../html.ts';
import { count } from '../parts.ts';
import type { Settings } from '../settings.ts';
import { spanText } from '../times.ts';
import { size, visible } from '../words.ts';
import { doctorForm } from './doctor-page.ts';
import { mark } from './marks.ts';
import { livePart, rowTable } from './rows.ts';

export interface HealthView {
  readonly health: Health;
  /** Where Redis is; undefined where that is not known. */
  readonly address: string | undefined;
  readonly queues: readonly QueueInfo[];
}

interface Look {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly fix?: string;
}

/** A store that does not answer is told by the health; then there are no queues to tell of. */
export async function readHealth(pawl: Pawl): Promise<HealthView> {
  const health = await pawl.health();
  const queues = health.status === 'failed' ? [] : await pawl.queues();
  return { health, queues, address: pawl.redis?.address };
}

export function healthPage(settings: Settings, view: HealthView, token: string): Html {
  return html`<h1>Health</h1>
    <div data-live="${settings.base}/live/health">
      <p id="live" class="dim script-only" aria-live="polite"></p>
      ${healthParts(view)}
    </div>
    ${doctorForm(settings, token)}`;
}

const words = {
  ok: '✓ All is well.',
  degraded: '▲ Runs go on, but something is wrong.',
  failed: '✕ Nothing new can be stored.',
};
const tones = { ok: 'good', degraded: 'warn', failed: 'bad' };
export function healthParts(view: HealthView): Html {
  const { status, reasons } = view.health;
  const rows = looks(view).map(({ name, status: is, found, fix = '' }) => ({
    key: name,
    cells: [name, mark(is), visible(found), visible(fix)],
  }));
  return livePart(
    'rows',
    html`<p><b class="${tones[status]}">${words[status]}</b></p>
      ${
        reasons.length === 0
          ? ''
          : html`<ul>
              ${reasons.map((reason) => html`<li>${visible(reason)}</li>`)}
            </ul>`
      }
      ${rowTable('Checks', ['What', 'Is', 'Found', 'What to do'], rows)}`,
  );
}

const slowMs = 250;
const fullShare = 0.9;
const lateMs = 10_000;

function looks({ health, queues, address }: HealthView): Look[] {
  const { latencyMs, store, workers, own } = health;
  if (store === undefined || latencyMs === undefined) {
    const fix = 'pawl doctor tells which Redis is meant, and where that setting comes from.';
    const at = address === undefined ? '' : ` at ${address}`;
    return [{ name: 'store', status: 'fail', found: `it does not answer${at}`, fix }];
  }
  const { server, overdue, overdueSince, now, queued, mismatches } = store;
  const lateFor = overdueSince === undefined ? 0 : now - overdueSince;
  const paused = queues.filter((one) => one.paused).map(({ workflow }) => workflow);
  return [
    look(
      'answer',
      latencyMs > slowMs ? 'warn' : 'ok',
      `one call took ${spanText(latencyMs)}`,
      'Look at SLOWLOG of Redis, and at the network.',
    ),
    ...(server === undefined ? [] : serverLooks(server)),
    look(
      'workers',
      workers === 0 ? 'fail' : 'ok',
      count(workers, 'worker'),
      'Start one: runs wait until it comes.',
    ),
    look(
      'waiting',
      queued > 0 && workers === 0 ? 'fail' : 'ok',
      `${count(queued, 'run')} for a worker`,
      'Start a worker that knows their workflows.',
    ),
    look(
      'due',
      lateFor > lateMs ? 'fail' : 'ok',
      overdue === 0
        ? 'nothing is late'
        : `${count(overdue, 'run')}, the first for ${spanText(lateFor)}`,
      'No worker looks for late runs. Check that workers run and reach Redis.',
    ),
    look(
      'indexes',
      mismatches.length > 0 ? 'fail' : 'ok',
      mismatches.length === 0 ? 'they agree' : mismatches.join('; '),
      'pawl doctor --full --repair puts them right.',
    ),
    look(
      'queues',
      paused.length > 0 ? 'warn' : 'ok',
      paused.length === 0
        ? `${count(queues.length, 'queue')}, none is paused`
        : `paused in BullMQ: ${paused.join(', ')}`,
      'Their runs wait. Resume the queue in your dashboard of BullMQ.',
    ),
    ...own.map(({ id, readiness }) =>
      look(
        `worker ${id}`,
        readiness.ready ? 'ok' : 'warn',
        readiness.ready ? 'ready' : readiness.reason,
        'It is in this process; it says why.',
      ),
    ),
  ];
}

function serverLooks(server: NonNullable<NonNullable<Health['store']>['server']>): Look[] {
  const { name, version, role, usedBytes, maxBytes, failures } = server;
  const isFull = maxBytes > 0 && usedBytes >= maxBytes * fullShare;
  const memory =
    maxBytes === 0 ? `${size(usedBytes)}, no limit` : `${size(usedBytes)} of ${size(maxBytes)}`;
  return [
    look(
      'redis',
      role === 'master' ? 'ok' : 'fail',
      `${version} at ${name}, ${role}`,
      'Connect to the master: this one takes no writes.',
    ),
    look(
      'memory',
      isFull ? 'warn' : 'ok',
      memory,
      'pawl retain and pawl compact make room; or give Redis more memory.',
    ),
    look(
      'files',
      failures.length > 0 ? 'fail' : 'ok',
      failures.length === 0 ? 'written without errors' : `not written: ${failures.join(', ')}`,
      'Look at the disk of Redis and at its log.',
    ),
  ];
}

function look(name: string, status: Look['status'], found: string, fix: string): Look {
  return status === 'ok' ? { name, status, found } : { name, status, found, fix };
}
