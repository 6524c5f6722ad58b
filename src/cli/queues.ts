/** `pawl queues`: how the wake-ups of each workflow are doing in BullMQ. */
import { type Add, inShell, type Shell } from './shell.ts';

export const addQueues: Add = (program, signal) => {
  program
    .command('queues')
    .description('The BullMQ queue of each workflow that a worker knows: paused, waiting, at work.')
    .action(inShell(signal, (shell) => list(shell)));
};

async function list(shell: Shell): Promise<void> {
  const queues = await (await shell.pawl()).queues();
  shell.show(queues, () =>
    shell.table(
      ['workflow', 'is', 'waiting', 'active', 'failed'],
      queues.map(({ workflow, paused, waiting, active, failed }) => [
        workflow,
        paused ? 'PAUSED' : 'open',
        waiting,
        active,
        failed,
      ]),
    ),
  );
  if (queues.length === 0) shell.say('No worker is there, so no queue is known.');
  const held = queues.filter(({ paused }) => paused).map(({ workflow }) => workflow);
  if (held.length > 0) {
    shell.say(
      `Paused in BullMQ: ${held.join(', ')}. Their runs wait until the queue is resumed there.`,
    );
  }
}
