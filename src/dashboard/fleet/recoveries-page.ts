/** What workers lost, who took it over, and how long each part of that took. */
import { html } from 'hono/html';
import type { Html } from '../html.ts';
import { lossWords } from '../loss-words.ts';
import { count, workerName } from '../parts.ts';
import type { Settings } from '../settings.ts';
import { spanText, time } from '../times.ts';
import { visible } from '../words.ts';
import { type Recoveries, recoveriesMax, type Spread, type Take } from './recoveries.ts';
import { livePart, rowTable } from './rows.ts';

const shownMax = 100;

export function recoveriesPage(settings: Settings, recoveries: Recoveries): Html {
  return html`<h1>Recoveries</h1>
    <p class="dim">
      Runs that were taken from a worker that died or froze. Detection is the time from its last
      sign of life until pawl noticed. The claim is the time until another worker had the run, and
      the replay the time until that worker went on.
    </p>
    <div data-live="${settings.base}/live/recoveries">
      <p id="live" class="dim script-only" aria-live="polite"></p>
      ${recoveriesParts(settings, recoveries)}
    </div>
    <p><code class="command">pawl recoveries list</code></p>`;
}

export function recoveriesParts({ base }: Settings, { takes, reasons }: Recoveries): Html {
  if (takes.length === 0) {
    return livePart(
      'rows',
      html`<p>
        No worker has lost a run. <code>pawl drill</code> kills workers of its own on this Redis,
        and measures how fast others go on.
      </p>`,
    );
  }
  const spreads = rowTable(
    'By reason',
    ['Because', 'Take-overs', 'Detection p50', 'p99', 'Claim p50', 'p99', 'Replay p50', 'p99'],
    reasons.map(({ reason, count: number, quarantined, detect, claim, replay }) => ({
      key: reason,
      cells: [
        reason === 'all' ? 'all reasons' : lossWords(reason),
        html`${number.toLocaleString('en')}${quarantined === 0 ? '' : html`<span class="under bad">${quarantined} quarantined</span>`}`,
        ...pair(detect),
        ...pair(claim),
        ...pair(replay),
      ],
    })),
  );
  const more = takes.length > shownMax ? `, the last ${shownMax} of ${takes.length}` : '';
  const isCut = takes.length >= recoveriesMax;
  return html`${livePart(
    'spreads',
    html`<h2>
        How fast
        <span class="dim"
          >${isCut ? `the last ${recoveriesMax}` : count(takes.length, 'recovery', 'recoveries')}</span
        >
      </h2>
      ${spreads}`,
  )}
  ${livePart(
    'rows',
    html`<h2>History <span class="dim">newest first${more}</span></h2>
      ${rowTable(
        'Recoveries',
        head,
        takes.slice(0, shownMax).map((take) => toRow(base, take)),
      )}`,
  )}`;
}

const head = [
  'When',
  'Run',
  'Workflow',
  'Lost by',
  'Because',
  'Taken by',
  'Detection',
  'Claim',
  'Replay',
];

function toRow(base: string, take: Take): { key: string; cells: (Html | string)[] } {
  const { run, workflow, from, worker, reason, at, detectMs, claimMs, replayMs, quarantined } =
    take;
  const heir = quarantined
    ? html`<span class="bad">quarantined</span>`
    : worker === undefined
      ? html`<span class="warn">nobody yet</span>`
      : workerName(worker);
  return {
    key: `${run} ${at.getTime()}`,
    cells: [
      time(at),
      html`<a href="${base}/runs/${run}"><bdi>${visible(run)}</bdi></a>`,
      html`<bdi>${visible(workflow)}</bdi>`,
      workerName(from),
      lossWords(reason),
      heir,
      spanText(detectMs),
      claimMs === undefined ? '' : spanText(claimMs),
      replayMs === undefined ? '' : spanText(replayMs),
    ],
  };
}

function pair({ count: number, p50, p99 }: Spread): [string, string] {
  return number === 0 ? ['–', '–'] : [spanText(p50), spanText(p99)];
}
