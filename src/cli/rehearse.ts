/** `pawl rehearse`: would the code of today understand the runs that are there? */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { checkFailed, UsageError } from './failures.ts';
import { counted } from './print.ts';
import { type Add, inShell, type Shell } from './shell.ts';

export const addRehearse: Add = (program, signal) => {
  program
    .command('rehearse')
    .description('Replays all runs that have not ended against the code of --runs; writes nothing.')
    .option(
      '--from <file>',
      'the runs of an export (- for standard input) instead of those in Redis',
    )
    .action(inShell(signal, (shell, flags: { from?: string }) => rehearse(shell, flags.from)));
};

async function rehearse(shell: Shell, from: string | undefined): Promise<number> {
  const workflows = await shell.workflows();
  if (workflows === undefined) throw new UsageError('Name the new code with --runs.');
  const source = from === '-' ? process.stdin : from && createReadStream(from);
  const lines = source ? { from: createInterface({ input: source }) } : {};
  const pawl = await shell.pawl();
  const { checked, problems } = await pawl.rehearse([...workflows.values()], lines);
  shell.show({ checked, problems }, () =>
    shell.table(
      ['run', 'workflow', 'status', 'problem'],
      problems.map(({ run, workflow, status, error }) => [run, workflow, status, error.message]),
    ),
  );
  const misfits = counted(problems.length, 'run');
  const found =
    problems.length === 0
      ? 'this code understands all of them'
      : `this code does not understand ${misfits}`;
  shell.say(`${counted(checked, 'run')} checked: ${found}.`);
  return problems.length === 0 ? 0 : checkFailed;
}
