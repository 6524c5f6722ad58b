/**
 * Failed and quarantined runs, put together by what went wrong. Numbers, ids and quoted names in a message make no other
 * error of it. Only so many runs are looked at, those that were created last; the page says so.
 */
import { createHash } from 'node:crypto';
import type { RunStats } from '../../core/run-stats.ts';
import type { RunInfo } from '../../engine/runs/run-info.ts';
import type { Pawl } from '../../pawl.ts';
import { errorLine, rootOf } from './error-line.ts';
import { type Search, statusGroups } from './search.ts';

/** As many as one page of a list may hold. */
const failuresMax = 500;

export interface FailureGroup {
  /** Names the group in addresses; made of the error alone. */
  readonly id: string;
  /** The error of the newest run. */
  readonly error: string;
  readonly workflows: readonly string[];
  readonly quarantined: number;
  /** When the first and the last of them failed. */
  readonly first: Date;
  readonly last: Date;
  /** The one that failed last comes first. */
  readonly runs: readonly RunInfo[];
}

export interface Failures {
  /** The group with the newest failure comes first. */
  readonly groups: readonly FailureGroup[];
  readonly looked: number;
  readonly isCut: boolean;
  readonly stats: RunStats;
}

export async function readFailures(pawl: Pawl, search: Search): Promise<Failures> {
  const dead = statusGroups['dead'] ?? [];
  const [page, stats] = await Promise.all([
    pawl.list({ ...search.options, status: dead, limit: failuresMax }),
    pawl.stats(),
  ]);
  const groups = groupFailures(page.runs);
  return { groups, looked: page.runs.length, isCut: page.cursor !== undefined, stats };
}

export function groupFailures(runs: readonly RunInfo[]): FailureGroup[] {
  const newestFirst = runs.toSorted((a, b) => b.changedAt.getTime() - a.changedAt.getTime());
  const groups = new Map<string, RunInfo[]>();
  for (const run of newestFirst) {
    const kind = kindOf(run);
    const known = groups.get(kind);
    if (known === undefined) groups.set(kind, [run]);
    else known.push(run);
  }
  return [...groups].map(([kind, of]) => {
    const [newest] = of;
    return {
      id: createHash('sha256').update(kind).digest('hex').slice(0, idLength),
      error: newest?.error === undefined ? 'no error was stored' : errorLine(newest.error, 300),
      workflows: [...new Set(of.map(({ workflow }) => workflow))].toSorted(),
      quarantined: of.filter(({ status }) => status === 'quarantined').length,
      first: of.at(-1)?.changedAt ?? new Date(0),
      last: newest?.changedAt ?? new Date(0),
      runs: of,
    };
  });
}

const idLength = 12;
const kindLength = 300;

/** What errors of one group have in common. */
function kindOf({ id, error }: RunInfo): string {
  if (error === undefined) return '';
  const { name, code = '', message } = rootOf(error);
  const [line = ''] = message.split('\n', 1);
  const common = line
    .replaceAll(/(["'`])(?:(?!\1).){1,80}\1/g, '…')
    .replaceAll(/\b[\da-f]{8,}(-[\da-f]{4,})*\b/gi, '…')
    .replaceAll(id, '…')
    .replaceAll(/\d+/g, '#');
  return `${name} ${code} ${common.slice(0, kindLength)}`;
}
