/** A result as tables: for the terminal and, with the same columns, for docs/performance.md. */
import type { Result, Row } from './result.ts';
import { judge } from './targets.ts';

interface Section {
  readonly heading: string;
  readonly rows: readonly Row[];
}

/** Rows by workload and fsync, in the order they were measured. */
export function sections(result: Result): Section[] {
  const found = new Map<string, Row[]>();
  for (const row of result.rows) {
    const heading = `${row.title}${row.fsync === 'always' ? ' (appendfsync always)' : ''}`;
    found.set(heading, [...(found.get(heading) ?? []), row]);
  }
  return [...found].map(([heading, rows]) => ({ heading, rows }));
}

export function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-GB', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

const columns = ['contender', 'figure', 'median', 'unit', 'spread', '× baseline', 'rounds'];

function cells(row: Row): string[] {
  const spread = `${formatNumber(row.min)}–${formatNumber(row.max)}`;
  const ratio = row.ratioToRaw === null ? '–' : row.ratioToRaw.toFixed(2);
  return [
    row.contender,
    row.figure,
    formatNumber(row.median),
    row.unit,
    spread,
    ratio,
    String(row.rounds),
  ];
}

const verdictColumns = ['target', 'wanted', 'found', ''];

function verdicts(result: Result): string[][] {
  return judge(result).map(({ title, wanted, found, met }) => [
    title,
    wanted,
    formatNumber(found),
    met ? 'met' : 'NOT MET',
  ]);
}

export function describeMachine({ machine, quick, seconds, at }: Omit<Result, 'rows'>): string {
  const { cpu, cores, memoryGb, loadAtStart, loadAtEnd, node, redis, ioredis, bullmq } = machine;
  return [
    `${cpu}, ${cores} cores, ${memoryGb} GB; load ${loadAtStart} at the start, ${loadAtEnd} at the end.`,
    `Node ${node}, Redis ${redis}, ioredis ${ioredis}, bullmq ${bullmq}, pawl ${machine.pawl} (${machine.commit}).`,
    `${quick ? 'Quick run' : 'Full run'} of ${Math.round(seconds)} s, ${at}.`,
  ].join('\n');
}

export function toText(result: Result): string {
  const tables = sections(result).map(
    ({ heading, rows }) => `${heading}\n${align([columns, ...rows.map(cells)])}`,
  );
  const judged = `Targets\n${align([verdictColumns, ...verdicts(result)])}`;
  return [describeMachine(result), ...tables, judged].join('\n\n');
}

function align(table: readonly (readonly string[])[]): string {
  const widths = columns.map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join('\n');
}

export function toMarkdown(result: Result): string {
  const tables = sections(result).map(
    ({ heading, rows }) => `### ${heading}\n\n${markdownTable(columns, rows.map(cells))}`,
  );
  return [
    describeMachine(result),
    `### Targets\n\n${markdownTable(verdictColumns, verdicts(result))}`,
    ...tables,
  ].join('\n\n');
}

/** A page with something new between two of its marks. */
export function withTables(page: string, tables: string, mark = 'tables'): string {
  const [begin, end] = [`<!-- ${mark}: begin -->`, `<!-- ${mark}: end -->`];
  if (!page.includes(begin) || !page.includes(end)) throw new Error(`the page has no ${begin}`);
  const before = page.slice(0, page.indexOf(begin) + begin.length);
  return `${before}\n\n${tables}\n\n${page.slice(page.indexOf(end))}`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
