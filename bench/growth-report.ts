/** Growth as pictures in docs/, tables and a page. */
import type { Curve } from './growth/curve.ts';
import { escape, lineChart } from './line-chart.ts';
import { formatNumber, describeMachine } from './report-text.ts';
import type { Machine } from './result.ts';

export interface GrowthResult {
  readonly curves: readonly Curve[];
  readonly machine: Machine;
  readonly quick: boolean;
  readonly seconds: number;
  readonly at: string;
}

/** For docs/performance.md: each curve as a picture beside it, and its figures. */
export function toGrowthMarkdown(result: GrowthResult): string {
  const parts = result.curves.map(
    (curve) => `### ${curve.title}\n\n![${curve.title}](${curve.name}.svg)\n\n${toTable(curve)}`,
  );
  return [describeMachine(result), ...parts].join('\n\n');
}

/** The same as one page, without anything beside it. */
export function toGrowthHtml(result: GrowthResult): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>pawl: growth</title>
<style>:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { white-space: pre-wrap; } svg { width: 100%; height: auto; }</style></head>
<body><h1>pawl: growth</h1><pre>${escape(describeMachine(result))}</pre>
${result.curves.map((curve) => draw(curve)).join('\n')}</body></html>
`;
}

export function draw({ title, x, unit, points, log }: Curve): string {
  const names = Object.keys(points[0]?.values ?? {});
  return lineChart({
    title,
    x: { label: x, log: true },
    y: { label: unit, ...(log === true ? { log } : {}) },
    series: names.map((name) => ({
      name,
      points: points.map(({ at, values }) => [at, values[name] ?? Number.NaN] as const),
    })),
  });
}

/** A table in Markdown: a line for each size. */
function toTable({ x, unit, points }: Curve): string {
  const names = Object.keys(points[0]?.values ?? {});
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line([x, ...names.map((name) => `${name} (${unit})`)]),
    line(['--:', ...names.map(() => '--:')]),
    ...points.map(({ at, values }) => {
      const cells = names.map((name) => formatNumber(values[name] ?? Number.NaN));
      return line([at.toLocaleString('en-GB'), ...cells]);
    }),
  ].join('\n');
}

export function toText({ title, points }: Curve): string {
  const lines = points.map(({ at, values }) => {
    const all = Object.entries(values).map(([name, value]) => `${name} ${formatNumber(value)}`);
    return `  ${at}: ${all.join(', ')}`;
  });
  return [title, ...lines].join('\n');
}
