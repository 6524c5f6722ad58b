/**
 * Curves as one SVG file: no script, no font, no network, both colour schemes. The same text stands alone in docs/ and
 * inside the report.
 */
import { formatNumber } from './report-text.ts';

export interface Axis {
  readonly label: string;
  /** Decades, and only positive values. */
  readonly log?: true;
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const size = { width: 760, height: 340, left: 78, top: 40, bottom: 52 };
/** Between the end of a curve and its name. */
const leader = 22;
const letterWidth = 7;
const labelHeight = 16;
/** Told apart in both schemes and by people who see red and green alike; beyond them dashes tell. */
const colours = ['#0f8f88', '#d9822b', '#5f7fe0', '#c2569b', '#7d8b99'];

const style = `
.pawl-chart { --ink: #1b1f24; --faint: #d5d9de; background: transparent; }
@media (prefers-color-scheme: dark) { .pawl-chart { --ink: #d8dde2; --faint: #3a4149; } }
.pawl-chart text { font: 12px system-ui, sans-serif; fill: var(--ink); }
.pawl-chart .title { font-size: 14px; font-weight: 600; }
.pawl-chart .grid { stroke: var(--faint); stroke-width: 1; }
.pawl-chart .curve { fill: none; stroke-width: 2; }
`;

/** @throws Error when nothing can be drawn: no point, a value that is not finite, or not positive on a log axis. */
export function lineChart({ title, x, y, series }: LineChart): string {
  const points = series.flatMap((one) => one.points);
  const toX = scale(
    x,
    x.log === true ? [] : [0],
    points.map(([value]) => value),
  );
  const toY = scale(
    y,
    y.log === true ? [] : [0],
    points.map(([, value]) => value),
  );
  const { width, height, left, top, bottom } = size;
  const right = leader + letterWidth * Math.max(...series.map(({ name }) => name.length));
  const across = (value: number): number => left + toX.place(value) * (width - left - right);
  const up = (value: number): number =>
    height - bottom - toY.place(value) * (height - top - bottom);
  const [plotRight, plotBottom] = [width - right, height - bottom];
  const grid = [
    ...toX.ticks.map((tick) => {
      const at = across(tick).toFixed(1);
      return (
        `<line class="grid" x1="${at}" x2="${at}" y1="${top}" y2="${plotBottom}"/>` +
        `<text x="${at}" y="${plotBottom + 18}" text-anchor="middle">${short(tick)}</text>`
      );
    }),
    ...toY.ticks.map((tick) => {
      const at = up(tick).toFixed(1);
      return (
        `<line class="grid" x1="${left}" x2="${plotRight}" y1="${at}" y2="${at}"/>` +
        `<text x="${left - 8}" y="${Number(at) + 4}" text-anchor="end">${short(tick)}</text>`
      );
    }),
  ];
  const labelAt = apart(series.map((one) => up(one.points.at(-1)?.[1] ?? 0)));
  const curves = series.map((one, i) => curve(one, i, { across, up, labelY: labelAt[i] ?? top }));
  return (
    `<svg class="pawl-chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="${escape(title)}"><style>${style}</style>` +
    `<text class="title" x="${left}" y="18">${escape(title)}</text>` +
    `<text x="${left - 70}" y="${top - 8}">${escape(y.label)}</text>` +
    `<text x="${(left + plotRight) / 2}" y="${height - 12}" text-anchor="middle">${escape(x.label)}</text>` +
    `${grid.join('')}${curves.join('')}</svg>\n`
  );
}

function curve(
  { name, points }: Series,
  i: number,
  at: { across(x: number): number; up(y: number): number; labelY: number },
): string {
  const colour = colours[i % colours.length] ?? '';
  const dashes = i >= colours.length ? ' stroke-dasharray="6 4"' : '';
  const places = points.map(
    ([px, py]) => [at.across(px).toFixed(1), at.up(py).toFixed(1)] as const,
  );
  const path = places.map(([px, py]) => `${px},${py}`).join(' ');
  const dots = places.map(([px, py], n) => {
    const told = `${short(points[n]?.[0] ?? 0)}: ${formatNumber(points[n]?.[1] ?? 0)}`;
    return `<circle cx="${px}" cy="${py}" r="3" fill="${colour}"><title>${escape(`${name}, ${told}`)}</title></circle>`;
  });
  const [endX, endY] = places.at(-1) ?? ['0', '0'];
  const labelX = Number(endX) + leader;
  const labelY = at.labelY.toFixed(1);
  return (
    `<polyline class="curve" stroke="${colour}"${dashes} points="${path}"/>${dots.join('')}` +
    `<line stroke="${colour}" x1="${endX}" y1="${endY}" x2="${labelX - 4}" y2="${labelY}"/>` +
    `<text class="name" x="${labelX}" y="${(at.labelY + 4).toFixed(1)}">${escape(name)}</text>`
  );
}

interface Scale {
  readonly ticks: readonly number[];
  /** From 0 to 1. */
  place(value: number): number;
}

function scale(axis: Axis, always: readonly number[], values: readonly number[]): Scale {
  const all = [...always, ...values];
  const [min, max] = [Math.min(...all), Math.max(...all)];
  const isDrawable = Number.isFinite(min) && Number.isFinite(max) && values.length > 0;
  if (!isDrawable || (axis.log === true && min <= 0)) {
    throw new Error(`"${axis.label}" has values that cannot be drawn: ${values.join(', ')}`);
  }
  return axis.log === true ? logScale(min, max) : linearScale(max);
}

/** Whole decades around all values. */
function logScale(min: number, max: number): Scale {
  const from = Math.floor(Math.log10(min) + 1e-9);
  const to = Math.max(from + 1, Math.ceil(Math.log10(max) - 1e-9));
  // Over many decades the powers of ten are enough.
  const between = to - from > 2 ? [1] : [1, 2, 5];
  const decades = Array.from({ length: to - from }, (_, i) => 10 ** (from + i));
  return {
    ticks: [...decades.flatMap((one) => between.map((n) => n * one)), 10 ** to],
    place: (value) => (Math.log10(value) - from) / (to - from),
  };
}

/** From zero, so that a flat curve looks flat, in steps of 1, 2 or 5. */
function linearScale(max: number): Scale {
  const rough = (max > 0 ? max : 1) / 4;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 5, 10].map((n) => n * decade).find((candidate) => candidate >= rough * 0.999) ?? decade;
  const count = Math.ceil((max > 0 ? max : 1) / step - 1e-9);
  return {
    ticks: Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(6))),
    place: (value) => value / (count * step),
  };
}

/** Moves names that would cover one another: upwards from the lowest, and down again from where the picture ends. */
function apart(ys: readonly number[]): number[] {
  const placed = [...ys];
  const order = ys.map((_, i) => i).sort((a, b) => (ys[b] ?? 0) - (ys[a] ?? 0));
  let above = Infinity;
  for (const i of order) {
    placed[i] = Math.min(ys[i] ?? 0, above - labelHeight);
    above = placed[i];
  }
  let below = size.top - labelHeight;
  for (const i of order.toReversed()) {
    placed[i] = Math.max(placed[i] ?? 0, below + labelHeight);
    below = placed[i];
  }
  return placed;
}

function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
