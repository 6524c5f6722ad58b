/** The table of docs/nightly.md: the last time of each step. */
import { type Step, steps } from './steps.ts';

export interface Night {
  /** As `2026-11-27`. */
  readonly date: string;
  /** A plus stands for changes that were not committed. */
  readonly commit: string;
  readonly ms: number;
  readonly figures: string;
  readonly passed: boolean;
}

const begin = '<!-- nights: begin -->';
const end = '<!-- nights: end -->';
const head = ['step', 'what', 'date', 'commit', 'duration', 'figures', 'result'];
const never = ['–', '–', '–', '–', 'not run yet'];

/** The page with the row of this step written anew. The rows of the others stay. */
export function withNight(page: string, step: Step, night: Night): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to === -1) throw new Error(`the page has no ${begin} and ${end}`);
  const rows = steps.map((one) => {
    if (one === step) return [one.name, one.what, ...cellsOf(night)];
    return [one.name, one.what, ...(known(page.slice(from, to), one) ?? never)];
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const table = [head, head.map(() => '---'), ...rows].map(line).join('\n');
  return `${page.slice(0, from)}${begin}\n\n${table}\n\n${page.slice(to)}`;
}

function cellsOf({ date, commit, ms, figures, passed }: Night): string[] {
  const plain = figures.replaceAll('|', '/').replaceAll('\n', '; ') || '–';
  return [date, commit, duration(ms), plain, passed ? 'passed' : '**failed**'];
}

function known(table: string, { name }: Step): string[] | undefined {
  const row = table.split('\n').find((line) => line.startsWith(`| ${name} |`));
  return row
    ?.split('|')
    .slice(3, -1)
    .map((cell) => cell.trim());
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
