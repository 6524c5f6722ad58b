/** Times and lengths of time as a page shows them. The script of the pages can show times as local or as relative ones. */
import { html } from 'hono/html';
import type { Html } from './html.ts';

/** A time in UTC, to the second; `precise` shows milliseconds, too. */
export function time(at: Date | undefined, precise = false): Html | string {
  if (at === undefined) return '–';
  const iso = at.toISOString();
  const text = iso.slice(0, precise ? 23 : 19).replace('T', ' ');
  const kind = precise ? 'precise' : 'second';
  return html`<time datetime="${iso}" data-as="${kind}" title="${iso}">${text}</time>`;
}

/** The time of the day alone, for rows whose day is known. */
export function clockTime(at: Date): Html {
  const iso = at.toISOString();
  return html`<time datetime="${iso}" data-as="clock" title="${iso}">${iso.slice(11, 23)}</time>`;
}

const unitMs = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A length of time in words as short as they can be: `412 ms`, `1.24 s`, `2 min 3 s`, `3 h 5 min`, `2 d 4 h`. */
export function spanText(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < unitMs.s) return `${whole} ms`;
  if (whole < 10 * unitMs.s) return `${(whole / unitMs.s).toFixed(2)} s`;
  if (whole < unitMs.min) return `${(whole / unitMs.s).toFixed(1)} s`;
  if (whole < unitMs.h) return pair(whole, ['min', 's']);
  return whole < unitMs.d ? pair(whole, ['h', 'min']) : pair(whole, ['d', 'h']);
}

function pair(
  ms: number,
  [large, small]: readonly [keyof typeof unitMs, keyof typeof unitMs],
): string {
  const many = Math.floor(ms / unitMs[large]);
  const rest = Math.floor((ms - many * unitMs[large]) / unitMs[small]);
  return rest === 0 ? `${many} ${large}` : `${many} ${large} ${rest} ${small}`;
}
