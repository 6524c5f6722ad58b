/** `pawl queues`: how the wake-ups of each workflow are doing in BullMQ. */
import { type Add, inShell, type Shell } from './shell.ts';

export const addQueues: Add = (program, signal) => {
  program
    .command('queues')
    .description('The BullMQ queue of each workflow that a worker knows, with its name and prefix.')
    .action(inShell(signal, (shell) => list(shell)));
};

async function list(shell: Shell): Promise<void> {
  const queues = await (await shell.pawl()).queues();
  shell.show(queues, () =>
    shell.table(
      ['workflow', 'is', 'waiting', 'oldest', 'active', 'failed', 'workers', 'prefix'],
      queues.map(({ name, prefix, paused, waiting, oldestAt, active, failed, workers }) => [
        name,
        paused ? 'PAUSED' : 'open',
        waiting,
        oldestAt,
        active,
        failed,
        workers,
        prefix,
      ]),
    ),
  );
  const [first] = queues;
  if (first !== undefined) {
    shell.say(
      `For a dashboard of BullMQ: new Queue('${first.name}', { prefix: '${first.prefix}', connection })`,
    );
  }
  if (queues.length === 0) shell.say('No worker is there, so no queue is known.');
  const held = queues.filter(({ paused }) => paused).map(({ workflow }) => workflow);
  if (held.length > 0) {
    shell.say(
      `Paused in BullMQ: ${held.join(', ')}. Their runs wait until the queue is resumed there.`,
    );
  }
}
