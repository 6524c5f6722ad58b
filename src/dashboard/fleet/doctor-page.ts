/**
 * What `pawl doctor` finds, on a page. It is looked for when somebody asks, never by a page that is merely open: it makes
 * connections, and tries what this user may do. It looks once at a time, whoever asks, and each look is bounded: it
 * looks at a sample of each index. It writes nothing.
 */
import { html } from 'hono/html';
import type { Pawl } from '../../pawl.ts';
import type { Check, DoctorReport } from '../../core/doctor.ts';
import { mayDo } from '../access.ts';
import { actionForm } from '../action-form.ts';
import { commandPart } from '../command-line.ts';
import type { Html } from '../html.ts';
import { count } from '../parts.ts';
import type { Settings } from '../settings.ts';
import { visible } from '../words.ts';
import { mark } from './marks.ts';
import { rowTable } from './rows.ts';

const damageShown = 20;
const command = 'pawl doctor';

/** Whoever asks while one is made is told the same. */
export class Examiner {
  readonly #pawl: Pawl;
  #made: Promise<DoctorReport | undefined> | undefined;

  constructor(pawl: Pawl) {
    this.#pawl = pawl;
  }

  /** Undefined where no Redis is known. @throws UnavailableError when Redis does not answer. */
  examine(): Promise<DoctorReport | undefined> {
    this.#made ??= this.#examine().finally(() => {
      this.#made = undefined;
    });
    return this.#made;
  }

  async #examine(): Promise<DoctorReport | undefined> {
    return this.#pawl.redis?.doctor();
  }
}

/** The way to it, for those who may. */
export function doctorForm(settings: Settings, token: string): Html {
  if (!mayDo(settings.role, 'operate')) {
    return html`<p class="dim">
        The doctor looks at more: rights, clocks, presence, files, and a sample of each index.
      </p>
      <p>${commandPart(command)}</p>`;
  }
  return html`<h2>Doctor</h2>
    <p class="dim">
      It looks at more: rights, clocks, presence, files, and a sample of each index. It changes
      nothing.
    </p>
    ${askForm(settings, token, 'Let the doctor look')}`;
}

function askForm({ base }: Settings, token: string, verb: string): Html {
  const form = actionForm({ to: `${base}/health/doctor`, token, verb, command });
  return html`<div class="acts">${form}</div>`;
}

export function doctorPage(
  settings: Settings,
  report: DoctorReport | undefined,
  token: string,
): Html {
  const back = html`<p><a href="${settings.base}/health">Health, as it changes</a></p>`;
  if (report === undefined) {
    return html`<h1>Doctor</h1>
      <p>These runs are in no Redis that is known here, so the doctor has nothing to look at.</p>
      ${back}`;
  }
  const { checks, damage } = report;
  const bad = checks.filter(({ status }) => status !== 'ok');
  const sum =
    bad.length === 0
      ? html`<p><b class="good">✓ All ${checks.length} checks are well.</b></p>`
      : html`<p>
          <b class="${report.ok ? 'warn' : 'bad'}"
            >${count(bad.length, 'check')} of ${checks.length} ${bad.length === 1 ? 'is' : 'are'}
            not well.</b
          >
        </p>`;
  return html`<h1>Doctor</h1>
    ${sum}
    ${rowTable('Checks of the doctor', ['What', 'Is', 'Found', 'Expected', 'What to do'], checks.map(toRow))}
    ${damagePart(settings.base, damage)}
    <p class="dim">This looked at a sample of each index. This looks at every run:</p>
    <p>${commandPart('pawl doctor --full')}</p>
    ${mayDo(settings.role, 'operate') ? askForm(settings, token, 'Look again') : ''} ${back}`;
}

/** What is wrong comes in the order of the doctor, as on the command line. */
function toRow({ name, status, found, expected, fix = '' }: Check) {
  return {
    key: name,
    cells: [name, mark(status), visible(found), visible(expected), visible(fix)],
  };
}

function damagePart(base: string, damage: DoctorReport['damage']): Html | string {
  if (damage.length === 0) return '';
  const rest = damage.length - damageShown;
  return html`<h2>Damaged</h2>
    <ul>
      ${damage.slice(0, damageShown).map(
        ({ run, problems }) =>
          html`<li>
            <a href="${base}/runs/${run}"><bdi>${visible(run)}</bdi></a
            >: ${visible(problems.join(', '))}
          </li>`,
      )}
    </ul>
    ${rest > 0 ? html`<p class="warn">${count(rest, 'more run is', 'more runs are')} not shown.</p>` : ''}`;
}
