/** What starts runs at certain times: when next, what came of the last time, and what was left out. */
import { html } from 'hono/html';
import type { ScheduleInfo } from '../../core/schedules.ts';
import { actionForm, folded } from '../action-form.ts';
import { commandLine } from '../command-line.ts';
import type { Html } from '../html.ts';
import { count } from '../parts.ts';
import type { Settings } from '../settings.ts';
import { spanText, time } from '../times.ts';
import { visible } from '../words.ts';
import { livePart, rowTable } from './rows.ts';

const shownMax = 500;

export function schedulesPage(
  settings: Settings,
  schedules: readonly ScheduleInfo[],
  token: string,
): Html {
  return html`<h1>Schedules</h1>
    <div data-live="${settings.base}/live/schedules">
      <p id="live" class="dim script-only" aria-live="polite"></p>
      ${schedulesParts(settings, schedules, token)}
    </div>
    <p><code class="command">pawl schedules list</code></p>`;
}

export function schedulesParts(
  settings: Settings,
  schedules: readonly ScheduleInfo[],
  token: string,
): Html {
  const { base, actions } = settings;
  if (schedules.length === 0) {
    return livePart(
      'rows',
      html`<p>
        There is no schedule. A program makes one by
        <code>pawl.schedule(workflow, input, { id, cron })</code>.
      </p>`,
    );
  }
  const canAct = actions.includes('schedule') || actions.includes('unschedule');
  const rows = schedules
    .slice(0, shownMax)
    .map((one) => ({
      key: `${one.workflow} ${one.id}`,
      cells: [
        html`<bdi>${visible(one.id)}</bdi
          >${one.key === undefined ? '' : html`<span class="under">key <bdi>${visible(one.key)}</bdi></span>`}`,
        html`<bdi>${visible(one.workflow)}</bdi>`,
        timing(one),
        html`${one.paused ? html`<b class="warn">paused</b>` : time(new Date(one.nextAt))}${one.waiting.length === 0 ? '' : html`<span class="under warn">${count(one.waiting.length, 'time')} waiting for the run before</span>`}`,
        one.lastRun === undefined
          ? 'none yet'
          : html`<a href="${base}/runs/${one.lastRun}"><bdi>${visible(one.lastRun)}</bdi></a>`,
        html`<a href="${base}/runs?${new URLSearchParams({ tag: `schedule=${one.id}` }).toString()}"
          >all runs</a
        >`,
        leftOut(one),
        ...(canAct ? [acts(settings, one, token)] : []),
      ],
    }));
  const head = [
    'Schedule',
    'Workflow',
    'When',
    'Next',
    'Last run',
    'Its runs',
    'Left out',
    ...(canAct ? ['Act'] : []),
  ];
  const cut =
    schedules.length > shownMax
      ? html`<p class="warn">The first ${shownMax} of ${schedules.length}.</p>`
      : '';
  return livePart('rows', html`${cut} ${rowTable('Schedules', head, rows)}`);
}

/** What can be done with it, each with the same as a command line. Ending it asks first. */
function acts({ base, actions }: Settings, one: ScheduleInfo, token: string): Html {
  const { id, workflow, paused } = one;
  const to = `${base}/schedules/${encodeURIComponent(workflow)}/${encodeURIComponent(id)}`;
  const form = (verb: string, text: string, question?: string): Html =>
    actionForm({
      to: `${to}/${verb}`,
      token,
      verb: text,
      command: commandLine('schedules', verb, workflow, id),
      ...(question === undefined ? {} : { question }),
    });
  const operate = actions.includes('schedule')
    ? html`${paused ? form('resume', 'Resume') : form('pause', 'Pause')}
      ${form('trigger', 'Start a run now')}`
    : '';
  const end = actions.includes('unschedule')
    ? form('remove', 'End it', `Yes, end schedule ${id}. No run of it is started any more.`)
    : '';
  return html`<div class="acts">${folded('Act…', html`${operate} ${end}`)}</div>`;
}

function timing({ cron, timeZone, everyMs, missed, overlap }: ScheduleInfo): Html {
  const said = cron === undefined ? `every ${spanText(everyMs ?? 0)}` : cron;
  return html`<code>${visible(said)}</code
    >${timeZone === undefined ? '' : ` ${visible(timeZone)}`}<span class="under"
      >missed: ${missed}, overlap: ${overlap}</span
    >`;
}

function leftOut({ timesMissed, timesSkipped }: ScheduleInfo): Html | string {
  if (timesMissed + timesSkipped === 0) return '';
  return html`<span class="warn"
    >${timesMissed === 0 ? '' : `${timesMissed.toLocaleString('en')} missed `}${timesSkipped === 0 ? '' : `${timesSkipped.toLocaleString('en')} skipped`}</span
  >`;
}
