/** `pawl runs fork` */
import { editAt } from '../edits.ts';
import { fromTagged, toTagged } from '../../core/tagged-json.ts';
import type { State } from '../../core/fold.ts';
import type { ForkPoint } from '../../engine/runs/fork.ts';
import type { RunInfo } from '../../engine/runs/run-info.ts';
import { UsageError } from '../failures.ts';
import { collect, findRun, readValue, toTags } from '../given.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { toPoint } from './points.ts';
import { report } from './start.ts';

interface ForkFlags {
  readonly at?: string;
  readonly step?: string;
  readonly node?: string;
  readonly state?: string;
  readonly set?: readonly string[];
  readonly id?: string;
  readonly tag?: readonly string[];
  readonly wait?: boolean;
}

export const addFork: Add = (runs, signal) => {
  runs
    .command('fork')
    .description('Starts a new run at a point of another run, which does not change. Needs --runs.')
    .argument('<run>')
    .option('--at <point>', 'after a seq or end, or at the id or label of a checkpoint')
    .option('--step <name>', 'after the end of a step')
    .option('--node <name>', 'after the last visit of a node')
    .option('--state <json>', "begin with this state: '{…}', @file.json, or -")
    .option('--set <path=json>', 'change one place of the state; may be repeated', collect)
    .option('--id <id>', 'default: a random one')
    .option('--tag <key=value>', 'may be repeated', collect)
    .option('--wait', 'wait for its end, and print its output')
    .action(inShell(signal, (shell, given: string, flags: ForkFlags) => fork(shell, given, flags)));
};

async function fork(shell: Shell, given: string, flags: ForkFlags): Promise<void> {
  const origin = await findRun(shell, given);
  const workflow = await shell.needWorkflow(origin.workflow, 'A fork');
  const point = await toForkPoint(shell, origin, flags);
  const { actor } = shell.request;
  const options = {
    actor,
    tags: toTags(flags.tag ?? []),
    ...(flags.id === undefined ? {} : { id: flags.id }),
    ...(await toEdit(flags)),
  };
  const pawl = await shell.pawl();
  await report(shell, await pawl.fork(workflow, origin.id, point, options), flags.wait === true);
}

async function toForkPoint(shell: Shell, run: RunInfo, flags: ForkFlags): Promise<ForkPoint> {
  const { at, step, node } = flags;
  const [only, ...others] = [at, step, node].filter((one) => one !== undefined);
  if (only === undefined || others.length > 0) {
    throw new UsageError('Say where to fork: one of --at, --step and --node.');
  }
  if (step !== undefined) return { step };
  return node === undefined ? toPoint(await shell.pawl(), run, only) : { node };
}

type Edit = State | ((before: State) => State);

async function toEdit({ state, set }: ForkFlags): Promise<{ state?: Edit }> {
  if (state !== undefined && set !== undefined) {
    throw new UsageError('--state gives the whole state, --set a part of it: use one of them.');
  }
  if (state !== undefined) return { state: (await readValue(state, '--state')) as State };
  if (set === undefined) return {};
  return {
    state: (before) => {
      let edited = toTagged(before);
      for (const one of set) edited = editAt(edited, one);
      return fromTagged(edited) as State;
    },
  };
}
