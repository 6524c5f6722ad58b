/** `pawl runs state` */
import { threadWorkflow } from '../../core/langgraph.ts';
import { toTagged } from '../../core/tagged-json.ts';
import { findRun } from '../given.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { toPoint } from './points.ts';
import { readStored } from './stored.ts';

export const addState: Add = (runs, signal) => {
  runs
    .command('state')
    .description(
      'Shows the state that the events of a run fold to; without --runs, its last snapshot.',
    )
    .argument('<run>')
    .option('--at <point>', 'a seq, end, or the id or label of a checkpoint; needs --runs')
    .action(
      inShell(signal, (shell, given: string, { at }: { at?: string }) => show(shell, given, at)),
    );
};

async function show(shell: Shell, given: string, at: string | undefined): Promise<void> {
  const { id, workflow: name, seq, snapshotSeq } = await findRun(shell, given);
  const pawl = await shell.pawl();
  if (name === threadWorkflow) {
    const point = at === undefined ? undefined : await toPoint(pawl, { id, seq }, at);
    const of = point !== undefined && 'seq' in point ? point : {};
    const tagged = toTagged(await pawl.run(id).state(of));
    shell.show(tagged, () => pretty(tagged));
    return;
  }
  const workflow =
    at === undefined
      ? await shell.findWorkflow(name)
      : await shell.needWorkflow(name, 'The state at another time');
  if (workflow === undefined) {
    shell.say(`Without --runs this is the stored snapshot: up to event ${snapshotSeq} of ${seq}.`);
    const { state: stored } = await readStored(pawl, id);
    shell.show(stored, () => pretty(stored));
    return;
  }
  const handle = pawl.run(workflow, id);
  const point = at === undefined ? undefined : await toPoint(pawl, { id, seq }, at);
  const state =
    point === undefined
      ? await handle.state()
      : 'seq' in point
        ? await handle.state(point)
        : await handle.checkpoint(point.checkpoint);
  const tagged = toTagged(state);
  shell.show(tagged, () => pretty(tagged));
}

function pretty(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
