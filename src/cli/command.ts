/** What a command of the door is: one file each in this folder. */

export interface Output {
  /** Data, for pipes. */
  readonly out: (line: string) => void;
  /** Everything that is said to a person. */
  readonly err: (line: string) => void;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  /** Returns the exit code: 0 it worked, 1 it did not. */
  run(args: readonly string[], output: Output): Promise<number>;
}

/** The command line is wrong: exit code 2, with the command's usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
