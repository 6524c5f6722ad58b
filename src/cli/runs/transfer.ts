/** `pawl runs export` */
import { once } from 'node:events';
import { findRun } from '../given.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { type SelectionFlags, toSelection, withSelection } from './selection.ts';

export const addTransfer: Add = (runs, signal) => {
  withSelection(runs.command('export'))
    .description('Everything that is stored of a run, or of runs, as lines of JSON.')
    .argument('[run]', 'or conditions, as in runs list; default: all')
    .action(
      inShell(signal, (shell, given: string | undefined, flags: SelectionFlags) =>
        exportRuns(shell, given, flags),
      ),
    );
};

const linesPerReport = 1_000;

async function exportRuns(
  shell: Shell,
  given: string | undefined,
  flags: SelectionFlags,
): Promise<void> {
  const what = given === undefined ? (toSelection(flags) ?? {}) : (await findRun(shell, given)).id;
  const pawl = await shell.pawl();
  const progress = await shell.progress('export');
  let lines = 0;
  for await (const line of pawl.export(what)) {
    if (shell.signal.aborted) return;
    // A reader that is slower than Redis must not fill the memory.
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
    lines += 1;
    if (lines % linesPerReport === 0) progress.at(`export: ${lines} lines`);
  }
  progress.end();
}
