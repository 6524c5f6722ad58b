/** `pawl runs diff` */
import { threadWorkflow } from '../../core/langgraph.ts';
import { toTagged } from '../../core/tagged-json.ts';
import { type Difference, diffStates } from '../../engine/runs/diff.ts';
import { findRun } from '../given.ts';
import { brief, inline } from '../print.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { toPoint } from './points.ts';

interface DiffFlags {
  readonly with?: string;
  readonly full?: boolean;
}

export const addDiff: Add = (runs, signal) => {
  runs
    .command('diff')
    .description('Shows how the states at two points of a run, or of two runs, differ.')
    .argument('<run>')
    .argument('<from>', 'a seq, end, or the id or label of a checkpoint')
    .argument('<to>', 'the same, in this run or in the one of --with')
    .option('--with <run>', 'take the second point from this run')
    .option('--full', 'whole values')
    .action(
      inShell(signal, (shell, given: string, from: string, to: string, flags: DiffFlags) =>
        diff(shell, { given, from, to }, flags),
      ),
    );
};

async function diff(
  shell: Shell,
  { given, from, to }: { given: string; from: string; to: string },
  flags: DiffFlags,
): Promise<void> {
  const first = await findRun(shell, given);
  const second = flags.with === undefined ? first : await findRun(shell, flags.with);
  const [before, after] = await Promise.all([
    stateAt(shell, first, from),
    stateAt(shell, second, to),
  ]);
  const found = diffStates(before, after);
  const tagged = found.map((one) => ({
    ...one,
    ...('before' in one ? { before: toTagged(one.before) } : {}),
    ...('after' in one ? { after: toTagged(one.after) } : {}),
  }));
  shell.show(tagged, () => found.flatMap((one) => lines(shell, one, flags.full === true)));
  if (found.length === 0) shell.say('The states are the same.');
}

async function stateAt(
  shell: Shell,
  { id, seq, workflow: name }: { id: string; seq: number; workflow: string },
  given: string,
): Promise<unknown> {
  const pawl = await shell.pawl();
  const run =
    name === threadWorkflow
      ? pawl.run(id)
      : pawl.run(await shell.needWorkflow(name, 'A comparison'), id);
  const point = await toPoint(pawl, { id, seq }, given);
  return 'seq' in point ? run.state(point) : run.checkpoint(point.checkpoint);
}

function lines({ color }: Shell, one: Difference, full: boolean): string[] {
  const path = one.path.join('.') || '(all)';
  const say = full ? inline : brief;
  return [
    ...('before' in one ? [color.red(`- ${path}: ${say(one.before)}`)] : []),
    ...('after' in one ? [color.green(`+ ${path}: ${say(one.after)}`)] : []),
  ];
}
