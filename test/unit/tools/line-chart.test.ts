/** The drawer of the curves in docs/: what it draws stands where the numbers say. */
import { expect, test } from 'vitest';
import { lineChart, type LineChart } from '../../../bench/line-chart.ts';

const flat: LineChart = {
  title: 'a < b & "c"',
  x: { label: 'runs', log: true },
  y: { label: 'ms' },
  series: [
    {
      name: 'claim',
      points: [
        [100, 2],
        [1_000, 2],
        [100_000, 2],
      ],
    },
    {
      name: 'commit',
      points: [
        [100, 2],
        [1_000, 1],
        [100_000, 2],
      ],
    },
  ],
};

function polylines(svg: string): number[][][] {
  return [...svg.matchAll(/points="([^"]+)"/g)].map(([, points = '']) =>
    points.split(' ').map((point) => point.split(',').map(Number)),
  );
}

function namesOf(svg: string): { readonly x: number; readonly y: number; readonly name: string }[] {
  const found = svg.matchAll(/<text class="name" x="([\d.]+)" y="([\d.]+)">([^<]*)</g);
  return [...found].map(([, x, y, name = '']) => ({ x: Number(x), y: Number(y), name }));
}

test('equal values are level, half the value is half the height, a decade is always as wide', () => {
  const [claim = [], commit = []] = polylines(lineChart(flat));
  expect(new Set(claim.map(([, y]) => y)).size).toBe(1);
  const [a, b, c] = claim.map(([x]) => x ?? 0);
  expect((c ?? 0) - (b ?? 0)).toBeCloseTo(2 * ((b ?? 0) - (a ?? 0)), 0);
  const zero = Number(/y2="([\d.]+)"\/><text x="70" [^>]*>0</.exec(lineChart(flat))?.[1]);
  const heightOf = (point: readonly number[] | undefined): number => zero - (point?.[1] ?? 0);
  expect(heightOf(commit[1]) * 2).toBeCloseTo(heightOf(commit[0]), 0);
});

test('everything stays inside the picture, labels do not cover one another, markup is escaped', () => {
  const svg = lineChart({ ...flat, y: { label: 'ms', log: true } });
  for (const [x = 0, y = 0] of polylines(svg).flat()) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(760);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThanOrEqual(340);
  }
  const labels = namesOf(svg).map(({ y }) => y);
  expect(Math.abs((labels[0] ?? 0) - (labels[1] ?? 0))).toBeGreaterThanOrEqual(15.9);
  expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
  expect(svg).not.toContain('NaN');
});

test('names stay inside the picture, however many and long, even where all curves end at the top', () => {
  const names = Array.from({ length: 9 }, (_, i) => `a name that goes on and on, ${i}`);
  const crowded = names.map((name) => ({ name, points: [[1, 1] as const, [10, 2] as const] }));
  const drawn = namesOf(lineChart({ ...flat, series: crowded }));
  expect(drawn).toHaveLength(9);
  const ys = drawn.map(({ y }) => y).toSorted((a, b) => a - b);
  for (const [i, y] of ys.entries()) {
    expect(y).toBeGreaterThan(12);
    expect(y).toBeLessThan(340);
    if (i > 0) expect(y - (ys[i - 1] ?? 0)).toBeGreaterThanOrEqual(15.9);
  }
  // A letter of this size is hardly ever wider than 6.5.
  for (const { x, name } of drawn) expect(x + 6.5 * name.length).toBeLessThan(760);
});

test('what cannot be drawn is refused by name, not drawn as NaN', () => {
  const broken = (y: number): LineChart => ({
    title: '',
    x: { label: 'runs', log: true },
    y: { label: 'latency', log: true },
    series: [{ name: 'a', points: [[1, y]] }],
  });
  for (const y of [0, -1, Number.NaN, Infinity]) {
    expect(() => lineChart(broken(y))).toThrow('"latency"');
  }
  expect(() => lineChart({ ...broken(1), series: [] })).toThrow('"runs"');
});
