/**
 * The worker of `pawl dev`, in a process or, without any Redis, in a thread: a new one has the files of now, and one that is
 * killed shows a take-over.
 */
import { once } from 'node:events';
import { isMainThread, parentPort } from 'node:worker_threads';
import type { Pawl } from '../../pawl.ts';
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
  const pawl = isMainThread ? await shell.pawl() : await pawlOfThread();
  const stop = printLines(shell);
  const worker = pawl.worker({ workflows: [...workflows.values()] });
  await worker.ready();
  const names = [...workflows.keys()];
  const { pid } = process;
  const where = isMainThread ? `process ${pid}` : 'a thread';
  const about = isMainThread ? { process: pid } : { durable: false };
  shell.showLine({ worker: worker.id, ...about, workflows: names }, () =>
    shell.color.dim(`worker ${worker.id} is ready, ${where}: ${names.join(', ')}`),
  );
  // So that whoever started this worker can tell which one it is.
  if (isMainThread && process.connected) process.send?.(worker.id);
  if (parentPort !== null) {
    parentPort.postMessage(worker.id);
    // The thread is closed, or terminated, from outside.
    await once(parentPort, 'message');
  }
  const told = [
    once(process, 'SIGTERM'),
    once(process, 'disconnect'),
    ...(shell.signal.aborted ? [] : [once(shell.signal, 'abort')]),
  ];
  // Whoever has started this process may be gone before it was ready.
  const isAlone = isMainThread && process.send !== undefined && !process.connected;
  if (!shell.signal.aborted && !isAlone) await Promise.race(told);
  stop();
  await pawl.close({ graceMs });
  if (process.connected) process.disconnect();
}

async function pawlOfThread(): Promise<Pawl> {
  const { pawlInThread } = await import('../../testing/open-in-threads.ts');
  return pawlInThread().pawl;
}
