/** `pawl runs decide` */
import { Argument } from 'commander';
import type { Decision } from '../../engine/definition/decision.ts';
import { findRun, readValue } from '../given.ts';
import { UsageError } from '../failures.ts';
import { type Add, inShell, type Shell } from '../shell.ts';

export const addDecide: Add = (runs, signal) => {
  runs
    .command('decide')
    .description('Decides about an effect in doubt, or an undo that has failed: see runs show.')
    .argument('<run>')
    .argument('<name>', "of the effect, or 'step ›› undo'")
    .addArgument(new Argument('<what>', 'to do').choices(['retry', 'done']))
    .option('--result <json>', "of what is done: '{…}', @file.json, or - for standard input")
    .action(
      inShell(signal, (shell, given: string, name: string, what: string, flags: Flags) =>
        decide(shell, { given, name, what }, flags),
      ),
    );
};

interface Flags {
  readonly result?: string;
}

async function decide(
  shell: Shell,
  { given, name, what }: { given: string; name: string; what: string },
  { result }: Flags,
): Promise<void> {
  if (what === 'retry' && result !== undefined) {
    throw new UsageError('--result is for what is done.');
  }
  const { id } = await findRun(shell, given);
  const value = result === undefined ? undefined : await readValue(result, '--result');
  const decision: Decision =
    what === 'retry' ? { decide: 'retry' } : { decide: 'done', result: value };
  await (await shell.pawl()).run(id).decide(name, decision);
  shell.show({ run: id, name, decide: what }, () => id);
}
