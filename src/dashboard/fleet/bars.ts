/** A chart of bars over time, as a picture that the server makes. Each bar says its numbers; the picture says their sum. */
import { html } from 'hono/html';
import type { Html } from '../html.ts';

export interface Series {
  readonly name: string;
  /** Class of the style sheet: the colour. */
  readonly tone: string;
  readonly values: readonly number[];
}

export interface Chart {
  readonly title: string;
  /** One for each bar: when it begins. */
  readonly times: readonly Date[];
  /** Stacked, the first at the bottom. */
  readonly series: readonly Series[];
  /** How a number is said; default as it is. */
  readonly say?: (value: number) => string;
  /** Says what the bars add up to, in place of the sum of each series. */
  readonly summary?: string;
}

const width = 600;
const height = 90;
const gap = 1;

export function barChart({ title, times, series, say = plain, summary }: Chart): Html {
  const totals = times.map((_, i) => sum(series.map(({ values }) => values[i] ?? 0)));
  const most = Math.max(0, ...totals);
  const step = width / Math.max(1, times.length);
  const bars = times.map((at, i) => {
    let top = height;
    const said = series
      .filter(({ values }) => (values[i] ?? 0) > 0)
      .map(({ name, values }) => `${say(values[i] ?? 0)} ${name}`);
    const parts = series.map(({ tone, values }) => {
      const value = values[i] ?? 0;
      if (value === 0 || most === 0) return '';
      // What is there is seen, however little it is.
      const tall = Math.max(1.5, (value / most) * (height - 2));
      top -= tall;
      const x = (i * step).toFixed(2);
      const wide = Math.max(1, step - gap).toFixed(2);
      return html`<rect
        class="chart-${tone}"
        x="${x}"
        y="${Math.max(0, top).toFixed(2)}"
        width="${wide}"
        height="${tall.toFixed(2)}"
      ></rect>`;
    });
    return said.length === 0
      ? ''
      : html`<g><title>${clock(at)}: ${said.join(', ')}</title>${parts}</g>`;
  });
  const shown = series.filter(({ values }) => sum(values) > 0);
  const sums = shown.map(({ name, values }) => `${say(sum(values))} ${name}`).join(', ');
  const words = summary ?? (sums === '' ? 'none' : sums);
  const [first] = times;
  const last = times.at(-1);
  return html`<figure class="chart">
    <figcaption><b>${title}</b> <span class="dim">${words}</span></figcaption>
    <svg
      role="img"
      aria-label="${title}: ${words}"
      viewBox="0 0 ${width} ${height}"
      preserveAspectRatio="none"
    >
      <line class="chart-base" x1="0" x2="${width}" y1="${height}" y2="${height}" />
      ${bars}
    </svg>
    <p class="ticks">
      <span>${first === undefined ? '' : tick(first)}</span>
      <span>${most === 0 ? '' : `at most ${say(most)}`}</span>
      <span>${last === undefined ? '' : tick(last)}</span>
    </p>
    ${
      series.length < 2
        ? ''
        : html`<ul class="legend">
            ${series.map(legendItem)}
          </ul>`
    }
  </figure>`;
}

function legendItem({ name, tone }: Series): Html {
  return html`<li><span class="swatch chart-${tone}"></span> ${name}</li>`;
}

function tick(at: Date): Html {
  const iso = at.toISOString();
  return html`<time datetime="${iso}" data-as="minute"
    >${iso.slice(0, 16).replace('T', ' ')}</time
  >`;
}

function clock(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function plain(value: number): string {
  return value.toLocaleString('en');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
