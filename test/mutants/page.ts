/** The table of docs/mutations.md: what the last pass over the list has found. */
import type { Mutant } from './mutant.ts';
import type { Result } from './results.ts';

export interface Row {
  readonly mutant: Mutant;
  readonly result: Result;
}

const begin = '<!-- mutations: begin -->';
const end = '<!-- mutations: end -->';

/** The page with a new table. `about` says when and on what, as in `2026-11-27, commit abc1234`. */
export function withTable(page: string, rows: readonly Row[], about: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to === -1) throw new Error(`the page has no ${begin} and ${end}`);
  const found = rows.filter(({ result }) => result.verdict.verdict === 'found').length;
  const lines = rows.map(({ mutant, result }) => {
    const cells = [mutant.name, `\`src/${mutant.file}\``, caught(result)];
    return `| ${cells.map((cell) => cell.replaceAll('|', '/')).join(' | ')} |`;
  });
  const table = ['| planted | in | caught by |', '|---|---|---|', ...lines].join('\n');
  const counts = `${rows.length} planted, ${found} caught: ${about}.`;
  return `${page.slice(0, from)}${begin}\n\n${counts}\n\n${table}\n\n${page.slice(to)}`;
}

function caught({ verdict }: Result): string {
  return verdict.verdict === 'found' ? verdict.by.join('; ') : `**${verdict.verdict}**`;
}
