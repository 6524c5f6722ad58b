/** `pawl runs start` */
import type { Duration } from '../../core/duration.ts';
import { toTagged } from '../../core/tagged-json.ts';
import { collect, readValue, toTags } from '../given.ts';
import { inline } from '../print.ts';
import { type Add, inShell, type Shell } from '../shell.ts';

interface StartFlags {
  readonly input?: string;
  readonly id?: string;
  readonly tag?: readonly string[];
  readonly key?: string;
  readonly delay?: Duration;
  readonly deadline?: Duration;
  readonly wait?: boolean;
}

export const addStart: Add = (runs, signal) => {
  runs
    .command('start')
    .description('Starts a run; prints its id. Needs --runs, to check the input.')
    .argument('<workflow>')
    .option('--input <json>', "its input: '{…}', @file.json, or - for standard input")
    .option('--id <id>', 'default: a random one')
    .option('--tag <key=value>', 'may be repeated', collect)
    .option('--key <text>', 'whose run it is: runs of one key take turns')
    .option('--delay <time>', 'begin after this time: 30s, 5m, 2h, 3d')
    .option('--deadline <time>', 'fail when it has not ended after this time')
    .option('--wait', 'wait for its end, and print its output')
    .action(inShell(signal, (shell, name: string, flags: StartFlags) => start(shell, name, flags)));
};

async function start(shell: Shell, name: string, flags: StartFlags): Promise<void> {
  const workflow = await shell.needWorkflow(name, 'Starting a run');
  const input = flags.input === undefined ? undefined : await readValue(flags.input, '--input');
  const { id, key, delay, deadline } = flags;
  const pawl = await shell.pawl();
  const run = await pawl.start(workflow, input, {
    ...(id === undefined ? {} : { id }),
    ...(key === undefined ? {} : { key }),
    ...(delay === undefined ? {} : { delay }),
    ...(deadline === undefined ? {} : { deadline }),
    tags: toTags(flags.tag ?? []),
  });
  await report(shell, run, flags.wait === true);
}

/** Prints the id of a new run; or waits, and prints the output. */
export async function report(
  shell: Shell,
  run: { readonly id: string; result(): Promise<unknown> },
  isWaiting: boolean,
): Promise<void> {
  if (!isWaiting) {
    shell.show({ run: run.id }, () => run.id);
    shell.next(`pawl runs events ${run.id} --follow`);
    return;
  }
  shell.say(run.id);
  const interrupted = new Promise<void>((resolve) => {
    shell.signal.addEventListener('abort', () => resolve());
  });
  const ended = (async () => {
    const output = await run.result();
    shell.show({ run: run.id, output: toTagged(output) }, () => inline(output));
  })();
  await Promise.race([interrupted, ended]);
}
