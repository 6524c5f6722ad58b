/** `pawl dev`: a worker in this process that says what it does. */
import { once } from 'node:events';
import { UsageError } from './failures.ts';
import { type Add, inShell, type Shell } from './shell.ts';

export const addDev: Add = (program, signal) => {
  program
    .command('dev')
    .description('Executes the workflows of --runs in this process, until Ctrl-C.')
    .action(inShell(signal, (shell) => dev(shell)));
};

const graceMs = 500;

async function dev(shell: Shell): Promise<void> {
  const workflows = await shell.workflows();
  if (workflows === undefined) throw new UsageError('Name your workflows with --runs.');
  const pawl = await shell.pawl();
  const worker = pawl.worker({ workflows: [...workflows.values()] });
  await worker.ready();
  shell.showLine({ worker: worker.id, workflows: [...workflows.keys()] }, () => worker.id);
  shell.say(`${[...workflows.keys()].join(', ')}: at work. Ctrl-C ends it.`);
  const [name] = workflows.keys();
  shell.next(`pawl runs start ${name} --runs ${shell.settings.runs.value ?? ''}`);
  if (!shell.signal.aborted) await once(shell.signal, 'abort');
  await pawl.close({ graceMs });
}
