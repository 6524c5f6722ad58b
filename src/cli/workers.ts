/** `pawl workers …` */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerRecord } from '../core/fleet.ts';
import { NotFoundError, UsageError } from './failures.ts';
import { counted } from './print.ts';
import { type Add, inShell, type Shell } from './shell.ts';

export const addWorkers: Add = (program, signal) => {
  const workers = program.command('workers').description('The workers that are there now.');
  workers
    .command('list')
    .description('The workers that are there now.')
    .action(inShell(signal, (shell) => list(shell)));
  workers
    .command('drain')
    .description('Asks a worker to take no more runs and to hand back those it holds.')
    .argument('<worker>', 'its id, or a beginning that only one has')
    .option('--wait', 'wait until it has left')
    .action(
      inShell(signal, (shell, given: string, flags: { wait?: boolean }) =>
        drain(shell, given, flags.wait === true),
      ),
    );
};

async function list(shell: Shell): Promise<void> {
  const workers = await (await shell.pawl()).workers();
  const documents = workers.map(({ startedAt, seenAt, sessionEndsAt, ...rest }) => ({
    ...rest,
    startedAt: new Date(startedAt),
    seenAt: new Date(seenAt),
    sessionEndsAt: new Date(sessionEndsAt),
  }));
  shell.show(documents, () => workerTable(shell, workers));
  if (workers.length === 0) shell.say('No worker is there. pawl dev --runs <file> starts one.');
}

function workerTable(shell: Shell, workers: readonly WorkerRecord[]): string {
  const rows = workers.map((worker) => [
    worker.id,
    worker.host,
    worker.pid,
    worker.draining ? 'draining' : 'working',
    `${worker.active}/${worker.concurrency}`,
    worker.loopLagMs,
    new Date(worker.seenAt),
    Object.entries(worker.workflows)
      .map(([name, version]) => `${name}@${version}`)
      .join(' '),
  ]);
  const head = ['worker', 'host', 'pid', 'is', 'runs', 'loop lag', 'seen', 'workflows'];
  return shell.table(head, rows);
}

const pollMs = 100;

async function drain(shell: Shell, given: string, isWaiting: boolean): Promise<void> {
  const pawl = await shell.pawl();
  const fitting = (await pawl.workers()).filter(({ id }) => id.startsWith(given));
  const worker = fitting.find(({ id }) => id === given) ?? fitting[0];
  if (worker === undefined) {
    throw new NotFoundError(
      `There is no worker ${given}. pawl workers list shows those there are.`,
    );
  }
  if (fitting.length > 1 && worker.id !== given) {
    const ids = fitting.map(({ id }) => `  ${id}`);
    throw new UsageError([`${given} is the beginning of several ids:`, ...ids].join('\n'));
  }
  await pawl.drain(worker.id);
  const isThere = async (): Promise<boolean> =>
    (await pawl.workers()).some(({ id }) => id === worker.id);
  let isLeaving = true;
  do {
    isLeaving = await isThere();
    if (!isWaiting || !isLeaving) break;
    await sleep(pollMs);
  } while (!shell.signal.aborted);
  shell.show({ worker: worker.id, left: !isLeaving }, () => worker.id);
  shell.say(
    isLeaving
      ? `The worker was asked to leave; it held ${counted(worker.active, 'run')}.`
      : 'The worker has left.',
  );
}
