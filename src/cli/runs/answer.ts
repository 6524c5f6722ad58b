/** `pawl runs answer` */
import { findRun, readValue } from '../given.ts';
import { type Add, inShell, type Shell } from '../shell.ts';

interface AnswerFlags {
  readonly data?: string;
  readonly signal?: string;
  readonly messageId?: string;
}

export const addAnswer: Add = (runs, signal) => {
  runs
    .command('answer')
    .description(
      'Answers one wait of a run; the first answer is taken. pawl inbox names the waits.',
    )
    .argument('<run>')
    .argument('<wait>')
    .option('--data <json>', "the answer: '{…}', @file.json, or - for standard input")
    .option('--signal <name>', 'which signal, where the wait takes several')
    .option('--message-id <id>', 'the same id again is the same answer')
    .action(
      inShell(signal, (shell, given: string, wait: string, flags: AnswerFlags) =>
        answer(shell, { given, wait }, flags),
      ),
    );
};

async function answer(
  shell: Shell,
  { given, wait }: { readonly given: string; readonly wait: string },
  { data, signal, messageId }: AnswerFlags,
): Promise<void> {
  const { id, workflow } = await findRun(shell, given);
  const payload = data === undefined ? undefined : await readValue(data, '--data');
  const pawl = await shell.pawl();
  const code = await shell.findWorkflow(workflow);
  const run = code === undefined ? pawl.run(id) : pawl.run(code, id);
  await run.answer(wait, payload, {
    ...shell.request,
    ...(signal === undefined ? {} : { signal }),
    ...(messageId === undefined ? {} : { id: messageId }),
  });
  shell.show({ run: id, wait }, () => id);
}
