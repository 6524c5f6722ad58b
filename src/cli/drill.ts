/** `pawl drill`: kills a worker of its own on your Redis, and tells how long the other one took to go on. */
import type { DrillRound } from '../drill.ts';
import { toCount } from './given.ts';
import { type Add, inShell, type Shell } from './shell.ts';

export const addDrill: Add = (program, signal) => {
  program
    .command('drill')
    .description('Kills a worker of its own on your Redis, and measures the take-over.')
    .option('--rounds <n>', 'how often, at most 100', toCount, 5)
    .option('--events <n>', 'events in the log before the kill', toCount, 200)
    .action(
      inShell(signal, (shell, flags: { rounds: number; events: number }) => perform(shell, flags)),
    );
};

async function perform(shell: Shell, flags: { rounds: number; events: number }): Promise<void> {
  const { drill } = await import('../drill.ts');
  const redis = shell.settings.redis.value ?? '';
  const bar = await shell.progress(`${flags.rounds} rounds`);
  const report = await drill({ redis, ...flags, signal: shell.signal }).finally(() => bar.end());
  const row = (name: string | number, round: DrillRound): readonly unknown[] => [
    name,
    round.detectMs,
    round.claimMs,
    round.replayMs,
    round.totalMs,
  ];
  shell.show(report, () =>
    shell.table(
      ['round', 'detect ms', 'claim ms', 'replay ms', 'total ms'],
      [
        ...report.rounds.map((round, i) => row(i + 1, round)),
        row('p50', report.p50),
        row('max', report.max),
      ],
    ),
  );
  if (report.keysLeft > 0) shell.say(`${report.keysLeft} keys of the drill are left.`);
}
