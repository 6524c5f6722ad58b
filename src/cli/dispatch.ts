/**
 * The dispatcher: finds the command and turns what happens into an exit code.
 *
 *   0   it worked; data is on standard output
 *   1   it did not work; the reason is on standard error
 *   2   the command line is wrong; the usage is on standard error
 */
import { type Command, type Output, UsageError } from './command.ts';
import { doctor } from './doctor.ts';

const commands: readonly Command[] = [doctor];

export async function dispatch(args: readonly string[], output: Output): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    output.out(overview());
    return 0;
  }
  const command = commands.find((one) => one.name === name);
  if (command === undefined) {
    output.err(name === undefined ? overview() : `pawl has no command "${name}".\n${overview()}`);
    return 2;
  }
  if (rest.includes('--help')) {
    output.out(`${command.usage}\n  ${command.summary}`);
    return 0;
  }
  try {
    return await command.run(rest, output);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof UsageError)) {
      output.err(message);
      return 1;
    }
    output.err(`${message}\nUsage: ${command.usage}`);
    return 2;
  }
}

function overview(): string {
  const lines = commands.map(({ usage, summary }) => `  ${usage}\n      ${summary}`);
  return ['Usage:', ...lines].join('\n');
}
