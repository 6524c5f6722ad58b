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
svg { width: 100%; height: auto; display: block; }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.pawl { fill: var(--pawl); } .other { fill: var(--other); } .spread { stroke: var(--ink); stroke-width: 1.5; }
`;

export function toHtml(result: Result): string {
  const judged = judge(result)
    .map(
      ({ title, wanted, found, met }) =>
        `<tr><td>${escape(title)}</td><td>${escape(wanted)}</td><td>${formatNumber(found)}</td>` +
        `<td>${met ? 'met' : '<strong>not met</strong>'}</td></tr>`,
    )
    .join('\n');
  const charts = sections(result)
    .map(
      ({ heading, rows }) => `<h2>${escape(heading)}</h2>\n${figures(rows).map(chart).join('\n')}`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>pawl benchmark</title>
<style>${style}</style></head>
<body><h1>pawl benchmark</h1><pre>${escape(describeMachine(result))}</pre>
<p>Bars are medians of interleaved rounds, the thin lines their spread; ratios are taken round by round.</p>
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
const lane = 26;
const barLeft = 230;
const barWidth = 400;

function chart(rows: readonly Row[]): string {
  const [first] = rows;
  if (first === undefined) return '';
  const most = Math.max(...rows.map(({ max }) => max));
  const x = (value: number): string => (barLeft + (value / most) * barWidth).toFixed(1);
  const bars = rows.map((row, i) => {
    const y = i * lane + 26;
    const middle = y + 8.5;
    const length = ((row.median / most) * barWidth).toFixed(1);
    const kind = /^(pawl|after)/.test(row.contender) ? 'pawl' : 'other';
    const ratio = row.ratioToRaw === null ? '' : `, ${row.ratioToRaw.toFixed(2)} ×`;
    const value = `${formatNumber(row.median)} ${row.unit}${ratio}`;
    return [
      `<text x="0" y="${y + 13}">${escape(row.contender)}</text>`,
      `<rect class="${kind}" x="${barLeft}" y="${y}" width="${length}" height="17"/>`,
      `<line class="spread" x1="${x(row.min)}" x2="${x(row.max)}" y1="${middle}" y2="${middle}"/>`,
      `<text x="${barLeft + barWidth + 12}" y="${y + 13}">${escape(value)}</text>`,
    ].join('');
  });
  const label = `${first.figure}, ${first.unit}; ${first.better} is better; × ${first.baseline}`;
  return (
    `<svg viewBox="0 0 ${width} ${rows.length * lane + 30}" role="img" aria-label="${escape(label)}">` +
    `<text x="${barLeft}" y="16">${escape(label)}</text>${bars.join('')}</svg>`
  );
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
