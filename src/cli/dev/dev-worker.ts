/** The worker process of `pawl dev`: a new one has the files of now, and one that is killed shows a take-over. */
import { once } from 'node:events';
import { UsageError } from '../failures.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { printLines } from './lines.ts';

export const devWorkerName = 'dev-worker';

export const addDevWorker: Add = (program, signal) => {
  program
    .command(devWorkerName, { hidden: true })
    .description('The worker process of pawl dev.')
    .action(inShell(signal, (shell) => work(shell)));
};

const graceMs = 500;

async function work(shell: Shell): Promise<void> {
  const workflows = await shell.workflows();
  if (workflows === undefined) throw new UsageError('Name your workflows with --runs.');
  const pawl = await shell.pawl();
  const stop = printLines(shell);
  const worker = pawl.worker({ workflows: [...workflows.values()] });
  await worker.ready();
  const names = [...workflows.keys()];
  shell.showLine({ worker: worker.id, process: process.pid, workflows: names }, () =>
    shell.color.dim(`worker ${worker.id} is ready, process ${process.pid}: ${names.join(', ')}`),
  );
  const told = [
    once(process, 'SIGTERM'),
    once(process, 'disconnect'),
    ...(shell.signal.aborted ? [] : [once(shell.signal, 'abort')]),
  ];
  if (!shell.signal.aborted) await Promise.race(told);
  stop();
  await pawl.close({ graceMs });
  if (process.connected) process.disconnect();
}
