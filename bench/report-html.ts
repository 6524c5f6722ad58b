/** A result as one HTML page with charts: no script, no network, both colour schemes. */
import { describeMachine, formatNumber, sections } from './report-text.ts';
import type { Result, Row } from './result.ts';
import { judge } from './targets.ts';

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d5d9de;
  --pawl: #0b7a75; --other: #9aa4af; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --paper: #14171a; --line: #343a40; --pawl: #35b8b0;
    --other: #66707a; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { white-space: pre-wrap; } h2 { font-size: 1.05rem; margin: 2.2rem 0 .4rem; }
table { border-collapse: collapse; }
td, th { padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line);
  text-align: left; font-variant-numeric: tabular-nums; }
figure { margin: 0; overflow-x: auto; }
svg { width: 100%; min-width: 44rem; height: auto; display: block; }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.pawl { fill: var(--pawl); } .other { fill: var(--other); } .spread { stroke: var(--ink); stroke-width: 1.5; }
.baseline { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 3; } .ratio { font-weight: 600; }
`;

export function toHtml(result: Result): string {
  const judged = judge(result)
    .map(
      ({ title, wanted, found, met }) =>
        `<tr><td>${escape(title)}</td><td>${escape(wanted)}</td><td>${formatNumber(found)}</td>` +
        `<td>${met ? '✓ met' : '<strong>✕ not met</strong>'}</td></tr>`,
    )
    .join('\n');
  const charts = sections(result)
    .map(
      ({ heading, rows }) => `<h2>${escape(heading)}</h2>\n${figures(rows).map(chart).join('\n')}`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>pawl benchmark</title>
<style>${style}</style></head>
<body><h1>pawl benchmark</h1><pre>${escape(describeMachine(result))}</pre>
<p>Bars are medians of interleaved rounds, the thin lines their spread. The dashed line is what the others are
compared with; ratios are taken round by round, so they may differ a little from what the bars say.</p>
<h2>Targets</h2><table><tr><th>target</th><th>wanted</th><th>found</th><th></th></tr>
${judged}</table>
${charts}</body></html>
`;
}

function figures(rows: readonly Row[]): Row[][] {
  return [...new Set(rows.map(({ figure }) => figure))].map((figure) =>
    rows.filter((row) => row.figure === figure),
  );
}

const width = 900;
const rowHeight = 26;
const barLeft = 230;
const barWidth = 360;
const valueLeft = barLeft + barWidth + 12;
const ratioLeft = valueLeft + 118;
const top = 26;

function chart(rows: readonly Row[]): string {
  const [first] = rows;
  if (first === undefined) return '';
  const most = Math.max(...rows.map(({ max }) => max));
  const x = (value: number): string => (barLeft + (value / most) * barWidth).toFixed(1);
  const bars = rows.map((row, i) => {
    const y = i * rowHeight + top;
    const middle = y + 8.5;
    const length = ((row.median / most) * barWidth).toFixed(1);
    const kind = /^(pawl|after)/.test(row.contender) ? 'pawl' : 'other';
    return [
      `<text x="0" y="${y + 13}">${escape(row.contender)}</text>`,
      `<rect class="${kind}" x="${barLeft}" y="${y}" width="${length}" height="17"/>`,
      `<line class="spread" x1="${x(row.min)}" x2="${x(row.max)}" y1="${middle}" y2="${middle}"/>`,
      `<text x="${valueLeft}" y="${y + 13}">${escape(`${formatNumber(row.median)} ${row.unit}`)}</text>`,
      `<text class="ratio" x="${ratioLeft}" y="${y + 13}">${escape(ratioOf(row, rows))}</text>`,
    ].join('');
  });
  const height = rows.length * rowHeight + top;
  const unit = first.unit === '' ? '' : `, ${first.unit}`;
  const label = `${first.figure}${unit}; ${first.better} is better`;
  const compared = rows.length === 1 ? '' : `, beside ${first.baseline}`;
  return (
    `<figure><svg viewBox="0 0 ${width} ${height + 4}" role="img" aria-label="${escape(label + compared)}">` +
    `<text x="${barLeft}" y="16">${escape(label)}</text>${bars.join('')}` +
    `${baselineOf(rows, { x, height })}</svg></figure>`
  );
}

/** What a row is beside the one it is compared with; nothing where there is nothing to compare. */
function ratioOf({ contender, baseline, ratioToRaw }: Row, rows: readonly Row[]): string {
  if (ratioToRaw === null || rows.length === 1) return '';
  return contender === baseline ? 'baseline' : `${ratioToRaw.toFixed(2)} × ${baseline}`;
}

function baselineOf(
  rows: readonly Row[],
  { x, height }: { readonly x: (value: number) => string; readonly height: number },
): string {
  const base = rows.find(({ contender, baseline }) => contender === baseline);
  if (base === undefined || rows.length === 1) return '';
  const at = x(base.median);
  return `<line class="baseline" x1="${at}" x2="${at}" y1="${top - 4}" y2="${height - 4}"/>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
