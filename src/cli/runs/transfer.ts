/** `pawl runs export` and `pawl runs import` */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { stdin } from 'node:process';
import { Option } from 'commander';
import { type ForeignFormat, foreignFormats, readForeign } from '../../imports/read-foreign.ts';
import { RunError } from '../../core/errors.ts';
import { UsageError } from '../failures.ts';
import { counted } from '../print.ts';
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
  runs
    .command('import')
    .description('Brings in what `runs export` wrote, each run whole or not at all.')
    .argument('[file]', 'lines of JSON; default: standard input')
    .addOption(
      new Option('--format <format>', 'a file or folder of another system').choices([
        ...foreignFormats,
      ]),
    )
    .option('--workflow <name>', 'with --format: the workflow that goes on with the runs')
    .option('--skip-existing', 'skip runs that exist; without it, the first one ends the import')
    .action(
      inShell(signal, (shell, file: string | undefined, flags: ImportFlags) =>
        importRuns(shell, file, flags),
      ),
    );
};

interface ImportFlags {
  readonly skipExisting?: boolean;
  readonly format?: ForeignFormat;
  readonly workflow?: string;
}

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

async function importRuns(
  shell: Shell,
  file: string | undefined,
  { skipExisting = false, format, workflow }: ImportFlags,
): Promise<void> {
  if (format !== undefined && file === undefined) {
    throw new UsageError('--format needs the file or folder to read.');
  }
  const pawl = await shell.pawl();
  const progress = await shell.progress('import');
  const lines =
    format === undefined || file === undefined
      ? linesIn(file, shell.signal)
      : await readForeign(file, { format, ...(workflow === undefined ? {} : { workflow }) });
  const report = await pawl
    .import(lines, {
      ifExists: skipExisting ? 'skip' : 'refuse',
      onProgress: ({ lines: read, runs }) => progress.at(`import: ${read} lines, ${runs} runs`),
    })
    .catch((error: unknown) => {
      if (!(error instanceof RunError) || error.code !== 'PAWL_RUN_EXISTS') throw error;
      const { code, run } = error;
      const said = `There is a run ${run} already, and it was left as it is.`;
      const hint = 'Runs before it are imported; --skip-existing skips those that exist.';
      throw new RunError(code, run, `${said} ${hint}`, { cause: error });
    })
    .finally(() => progress.end());
  shell.show(report, () => {
    const { runs, skipped, events, checkpoints } = report;
    const passed = skipped === 0 ? '' : `, ${skipped} skipped`;
    const brought = `${counted(events, 'event')} and ${counted(checkpoints, 'checkpoint')}`;
    return `${counted(runs, 'run')} imported, with ${brought}${passed}`;
  });
}

function linesIn(file: string | undefined, signal: AbortSignal): AsyncIterable<string> {
  const input = file === undefined || file === '-' ? stdin : createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Infinity });
  signal.addEventListener('abort', () => lines.close());
  return lines;
}
