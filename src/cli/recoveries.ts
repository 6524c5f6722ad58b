/** `pawl recoveries …`: runs that were taken over from workers that died or froze. */
import { toCount } from './given.ts';
import { type Add, inShell, type Shell } from './shell.ts';

export const addRecoveries: Add = (program, signal) => {
  program
    .command('recoveries')
    .description('Runs that workers lost.')
    .command('list')
    .description(
      'Lists runs that a worker lost, with the worker that took each over, the newest first.',
    )
    .option('--limit <n>', 'how many at most, up to 500', toCount, 50)
    .action(inShell(signal, (shell, { limit }: { limit: number }) => list(shell, limit)));
};

async function list(shell: Shell, limit: number): Promise<void> {
  const recoveries = await (await shell.pawl()).recoveries({ limit });
  shell.show(recoveries, () =>
    shell.table(
      ['at', 'run', 'lost by', 'because', 'detected ms', 'taken by', 'claimed ms'],
      recoveries.map((one) => [
        one.at,
        one.run,
        one.from,
        one.reason,
        one.detectMs,
        one.quarantined ? '(quarantined)' : one.worker,
        one.claimMs,
      ]),
    ),
  );
  if (recoveries.length === 0) shell.say('No worker has lost a run.');
}
