/** The first page: what is at work, what is late, what went wrong, and how that has been of late. */
import { html } from 'hono/html';
import type { WorkerRecord } from '../../core/fleet.ts';
import type { RunCounts, RunStats } from '../../core/run-stats.ts';
import { runStatuses } from '../../core/run.ts';
import { InvalidError } from '../../core/errors.ts';
import type { RecoveryInfo } from '../../core/fleet.ts';
import type { StatsPart } from '../../engine/runs/stats-over.ts';
import type { Health } from '../../engine/worker/health.ts';
import type { Pawl } from '../../pawl.ts';
import type { Html } from '../html.ts';
import { count } from '../parts.ts';
import type { Settings } from '../settings.ts';
import { spanText } from '../times.ts';
import { visible } from '../words.ts';
import type { Backlog, Sample } from './backlog.ts';
import { barChart } from './bars.ts';
import { inBars, spanOf } from './in-bars.ts';
import { recoveriesMax } from './recoveries.ts';
import { livePart } from './rows.ts';
import type { Asked } from './search.ts';

const ranges: Readonly<Record<string, { readonly ms: number; readonly name: string }>> = {
  '1h': { ms: 3_600_000, name: 'last hour' },
  '24h': { ms: 86_400_000, name: 'last 24 hours' },
  '7d': { ms: 604_800_000, name: 'last 7 days' },
};
const bars = 60;

export interface Range {
  readonly key: string;
  readonly ms: number;
  readonly name: string;
}

/** @throws InvalidError for a range that there is not. */
export function toRange({ over = '' }: Asked): Range {
  const key = over === '' ? '1h' : over;
  const range = Object.hasOwn(ranges, key) ? ranges[key] : undefined;
  if (range !== undefined) return { key, ...range };
  throw new InvalidError(
    'over',
    `${key} is not known. Choose one of ${Object.keys(ranges).join(', ')}.`,
  );
}

export interface Overview {
  readonly stats: RunStats;
  readonly parts: readonly StatsPart[];
  readonly recoveries: readonly RecoveryInfo[];
  readonly workers: readonly WorkerRecord[];
  readonly health: Health;
  readonly backlog: readonly Sample[];
}

export async function readOverview(pawl: Pawl, backlog: Backlog, range: Range): Promise<Overview> {
  const health = await pawl.health();
  const now = health.store?.now ?? Date.now();
  // A bar begins at a round time, so that it means the same each time it is drawn.
  const barMs = range.ms / bars;
  const end = (Math.floor(now / barMs) + 1) * barMs;
  const [stats, parts, recoveries, workers] = await Promise.all([
    pawl.stats(),
    pawl.statsOver({ since: end - range.ms, until: end, parts: bars }),
    pawl.recoveries({ limit: recoveriesMax }),
    pawl.workers(),
  ]);
  backlog.note(stats);
  return { stats, parts, recoveries, workers, health, backlog: backlog.samples };
}

export function overviewPage(settings: Settings, range: Range, overview: Overview): Html {
  const { base } = settings;
  const links = Object.entries(ranges).map(([key, { name }]) => {
    const here = key === range.key ? html`aria-current="true"` : '';
    return html`<li><a href="${base}/overview?over=${key}" ${here}>${name}</a></li>`;
  });
  return html`<h1>Overview</h1>
    <div data-live="${base}/live/overview?over=${range.key}">
      <p id="live" class="dim script-only" aria-live="polite"></p>
      ${livePart('now', nowPart(settings, overview))}
      <ul class="counts ranges" aria-label="Time span">
        ${links}
      </ul>
      ${livePart('charts', chartsPart(overview))}
    </div>`;
}

export function overviewParts(settings: Settings, overview: Overview): Html {
  return html`${livePart('now', nowPart(settings, overview))}
  ${livePart('charts', chartsPart(overview))}`;
}

function nowPart({ base }: Settings, { stats, workers, health, parts }: Overview): Html {
  const { runs } = stats;
  const capacity = workers.reduce((total, { concurrency, workflows }) => {
    return total + concurrency * Math.max(1, Object.keys(workflows).length);
  }, 0);
  const lag = Math.max(0, ...workers.map(({ loopLagMs }) => loopLagMs));
  const draining = workers.filter((worker) => worker.draining).length;
  const dead = runs.failed + runs.quarantined;
  const waiting = runs.queued + runs.interrupted;
  const started = parts.reduce((total, part) => total + totalOf(part.runs), 0);
  const minutes = parts.length < 2 ? 1 : spanOf(parts) / 60_000;
  const tiles: readonly (readonly [string, Html | string, string])[] = [
    [
      'At work',
      html`<a href="${base}/runs?status=running">${runs.running.toLocaleString('en')}</a>`,
      `of ${count(capacity, 'place')} at the workers`,
    ],
    [
      'Wait for a worker',
      html`<a href="${base}/runs?status=queued,interrupted">${waiting.toLocaleString('en')}</a>`,
      waiting === 0 ? 'no run waits' : `the oldest for ${spanText(stats.waitingMs)}`,
    ],
    [
      'Parked',
      html`<a href="${base}/runs?status=waiting">${runs.waiting.toLocaleString('en')}</a>`,
      'for a time, a signal, a child',
    ],
    [
      'Failed',
      html`<a href="${base}/failures" class="${dead === 0 ? '' : 'bad'}"
        >${dead.toLocaleString('en')}</a
      >`,
      runs.quarantined === 0
        ? 'none is quarantined'
        : `${runs.quarantined.toLocaleString('en')} of them quarantined`,
    ],
    ['Started', started.toLocaleString('en'), `${perMinute(started, minutes)} a minute`],
    [
      'Workers',
      html`<a href="${base}/workers" class="${workers.length === 0 ? 'bad' : ''}"
        >${workers.length}</a
      >`,
      workers.length === 0
        ? 'runs wait for one'
        : `their loops lag ${spanText(lag)} at most${draining === 0 ? '' : `, ${draining} draining`}`,
    ],
  ];
  return html`${healthLine(base, health)}
    <ul class="tiles">
      ${tiles.map(([name, value, under]) => html`<li><span class="dim">${name}</span> <b>${value}</b> <span class="under">${under}</span></li>`)}
    </ul>`;
}

function healthLine(base: string, { status, reasons }: Health): Html {
  if (status === 'ok') {
    return html`<p>
      <span class="good">✓ All is well.</span> <a href="${base}/health">Health</a>
    </p>`;
  }
  const tone = status === 'failed' ? 'bad' : 'warn';
  return html`<div class="error" role="alert">
    <p class="${tone}">
      ${status === 'failed' ? '✕ Nothing new can be stored.' : '▲ Runs go on, but something is wrong.'}
    </p>
    <ul>
      ${reasons.map((reason) => html`<li>${visible(reason)}</li>`)}
    </ul>
    <p><a href="${base}/health">Health</a></p>
  </div>`;
}

function chartsPart({ parts, recoveries, backlog }: Overview): Html {
  const times = parts.map(({ from }) => from);
  const of = (...statuses: readonly (keyof RunCounts)[]): number[] =>
    parts.map(({ runs }) => statuses.reduce((total, status) => total + runs[status], 0));
  const failed = of('failed', 'quarantined');
  const all = parts.map(({ runs }) => totalOf(runs));
  const started = barChart({
    title: 'Runs by the time of their start, with the status they have now',
    times,
    series: [
      { name: 'completed', tone: 'good', values: of('completed') },
      {
        name: 'not ended',
        tone: 'busy',
        values: of('queued', 'running', 'waiting', 'interrupted'),
      },
      { name: 'cancelled', tone: 'dim', values: of('cancelled') },
      { name: 'failed', tone: 'bad', values: failed },
    ],
  });
  const [sumFailed, sumAll] = [failed, all].map((values) => values.reduce((a, b) => a + b, 0));
  const share = sumAll === 0 ? 0 : (100 * (sumFailed ?? 0)) / (sumAll ?? 1);
  const failures = barChart({
    title: 'Failed, of those started then',
    times,
    series: [{ name: 'failed or quarantined', tone: 'bad', values: failed }],
    summary:
      sumFailed === 0
        ? 'none'
        : `${(sumFailed ?? 0).toLocaleString('en')} of ${(sumAll ?? 0).toLocaleString('en')}, ${share.toFixed(1)} %`,
  });
  const [lost, other] = [true, false].map((isGone) =>
    inBars(
      parts,
      recoveries.filter(({ reason }) => (reason === 'presence-lost') === isGone),
      ({ at }) => at.getTime(),
    ).map((takes) => takes.length),
  );
  const takeovers = barChart({
    title: 'Take-overs',
    times,
    series: [
      { name: 'because a process died', tone: 'warn', values: lost ?? [] },
      { name: 'for another reason', tone: 'bad', values: other ?? [] },
    ],
  });
  return html`<div class="charts">
    ${started} ${failures} ${takeovers} ${backlogChart(parts, backlog)}
  </div>`;
}

function backlogChart(parts: readonly StatsPart[], backlog: readonly Sample[]): Html {
  const most = inBars(parts, backlog, ({ at }) => at).map((samples) =>
    Math.max(0, ...samples.map(({ waitingMs }) => waitingMs)),
  );
  const [first] = backlog;
  const known =
    first === undefined
      ? 'not looked at yet'
      : `${Math.max(...most) === 0 ? 'none, ' : ''}looked at since ${new Date(first.at).toISOString().slice(11, 16)} UTC`;
  return barChart({
    title: 'Longest wait for a worker',
    times: parts.map(({ from }) => from),
    series: [{ name: 'the longest wait', tone: 'busy', values: most }],
    say: spanText,
    summary: known,
  });
}

function totalOf(runs: RunCounts): number {
  return runStatuses.reduce((total, status) => total + runs[status], 0);
}

function perMinute(number: number, minutes: number): string {
  const rate = number / minutes;
  return rate >= 10 ? Math.round(rate).toLocaleString('en') : rate.toFixed(rate >= 1 ? 1 : 2);
}
