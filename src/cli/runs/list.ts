/** `pawl runs list` */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ListOptions } from '../../options.ts';
import type { RunInfo } from '../../engine/runs/run-info.ts';
import { toCount } from '../given.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { type SelectionFlags, toSelection, withSelection } from './selection.ts';

interface ListFlags extends SelectionFlags {
  readonly limit: number;
  readonly cursor?: string;
  readonly watch?: boolean;
}

const watchMs = 1_000;

export const addList: Add = (runs, signal) => {
  withSelection(runs.command('list').description('Runs, the newest first.'))
    .option('--limit <n>', 'how many at most, up to 500', toCount, 50)
    .option('--cursor <text>', 'the next page: the page before prints its cursor')
    .option('--watch', 'again and again; with --json, one run a line whenever it has changed')
    .action(inShell(signal, (shell, flags: ListFlags) => list(shell, flags)));
};

async function list(shell: Shell, flags: ListFlags): Promise<void> {
  const pawl = await shell.pawl();
  const { limit, cursor } = flags;
  const query = { ...toSelection(flags), limit };
  if (flags.watch === true) return watch(shell, query);
  const page = await pawl.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
  shell.show(page, () => runTable(shell, page.runs));
  if (page.runs.length === 0) shell.say(nothingFound(flags));
  if (page.cursor !== undefined) shell.say(`There are more: --cursor ${page.cursor}`);
  if (page.runs[0] !== undefined) shell.next(`pawl runs show ${page.runs[0].id}`);
}

function nothingFound(flags: SelectionFlags): string {
  return toSelection(flags) === undefined
    ? 'There is no run yet. pawl runs start makes one.'
    : 'No run meets these conditions.';
}

async function watch(shell: Shell, query: ListOptions): Promise<void> {
  const pawl = await shell.pawl();
  const known = new Map<string, number>();
  let shown = '';
  for (;;) {
    const { runs } = await pawl.list(query);
    const changed = runs.filter(({ id, seq }) => known.get(id) !== seq);
    for (const { id, seq } of runs) known.set(id, seq);
    // One that does not meet the conditions any more has to go from the table.
    const ids = runs.map(({ id }) => id).join(' ');
    const isOther = changed.length > 0 || ids !== shown;
    shown = ids;
    if (shell.json) for (const run of changed.toReversed()) shell.showLine(run, () => '');
    else if (isOther) shell.print(`${clear()}${runTable(shell, runs) || 'none'}`);
    const isOver = await sleep(watchMs, false, { signal: shell.signal }).catch(() => true);
    if (isOver) return;
  }
}

/** A terminal shows the newest state; a pipe gets one after the other. */
function clear(): string {
  return process.stdout.isTTY ? '\u001B[2J\u001B[H' : '';
}

export function runTable(shell: Shell, runs: readonly RunInfo[]): string {
  const rows = runs.map((run) => [
    run.id,
    run.workflow,
    run.paused ? `${run.status} (paused)` : run.status,
    run.seq,
    run.takeovers,
    run.createdAt,
    run.error?.message.split('\n')[0],
  ]);
  return shell.table(['run', 'workflow', 'status', 'seq', 'takeovers', 'created', 'error'], rows);
}
