/** `pawl runs decide` */
import { Argument } from 'commander';
import { undoName } from '../../core/undo.ts';
import { isDecided } from '../../core/waits.ts';
import type { Decision } from '../../engine/definition/decision.ts';
import type { WaitInfo } from '../../engine/runs/run-info.ts';
import { findRun, readValue } from '../given.ts';
import { UsageError } from '../failures.ts';
import { type Add, inShell, type Shell } from '../shell.ts';

export const addDecide: Add = (runs, signal) => {
  runs
    .command('decide')
    .description('Decides about an effect in doubt, or an undo that has failed: see runs show.')
    .argument('<run>')
    .argument('<name>', 'of the effect, or of the step that could not be undone')
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
  const { id, waits } = await findRun(shell, given);
  const asked = askedFor(id, name, waits);
  const value = result === undefined ? undefined : await readValue(result, '--result');
  const decision: Decision =
    what === 'retry' ? { decide: 'retry' } : { decide: 'done', result: value };
  await (await shell.pawl()).run(id).decide(asked, decision);
  shell.show({ run: id, name: asked, decide: what }, () => id);
}

/** A decision that nobody waits for would be lost. The name of a step is enough for its undo. */
function askedFor(run: string, name: string, waits: readonly WaitInfo[]): string {
  const asked = waits.flatMap(({ kind, on = [] }) => (isDecided(kind) ? on : []));
  const found = asked.find((one) => one === name || one === undoName(name));
  if (found !== undefined) return found;
  const known =
    asked.length === 0 ? 'It asks about nothing now.' : `It asks about ${asked.join(', ')}.`;
  throw new UsageError(`Run ${run} does not ask about "${name}". ${known} Nothing was written.`);
}
