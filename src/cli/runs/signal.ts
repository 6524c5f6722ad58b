/** `pawl runs signal` */
import type { AnyWorkflow } from '../../engine/definition/workflow.ts';
import { findRun, readValue } from '../given.ts';
import { type Add, inShell, type Shell } from '../shell.ts';

interface SignalFlags {
  readonly data?: string;
  readonly messageId?: string;
  readonly key?: string;
}

export const addSignal: Add = (runs, signal) => {
  runs
    .command('signal')
    .description('Sends a signal to a run; with --runs its payload is checked before it is sent.')
    .argument('<run>')
    .argument('<name>')
    .option('--data <json>', "its payload: '{…}', @file.json, or - for standard input")
    .option('--key <key>', 'which of the waits for it is meant')
    .option('--message-id <id>', 'the same id again changes nothing')
    .action(
      inShell(signal, (shell, given: string, name: string, flags: SignalFlags) =>
        send(shell, { given, name }, flags),
      ),
    );
};

async function send(
  shell: Shell,
  { given, name }: { given: string; name: string },
  { data, messageId, key }: SignalFlags,
): Promise<void> {
  const { id, workflow } = await findRun(shell, given);
  const payload = data === undefined ? undefined : await readValue(data, '--data');
  const pawl = await shell.pawl();
  const code: AnyWorkflow | undefined = await shell.findWorkflow(workflow);
  const run = code === undefined ? pawl.run(id) : pawl.run(code, id);
  await run.signal(name, payload, {
    ...shell.request,
    ...(key === undefined ? {} : { key }),
    ...(messageId === undefined ? {} : { id: messageId }),
  });
  shell.show({ run: id, signal: name }, () => id);
}
