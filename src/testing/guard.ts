import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

export interface ExitGuard {
  /** Sets what the script finds in $line; an empty text takes it back. */
  tell(line: string): void;
  /** Ends the guard without running the script. */
  dismiss(): void;
}

/**
 * Cleans up after this process however it ends, SIGKILL included.
 *
 * A small shell waits at a pipe that only this process holds. When we die the kernel closes the pipe and the shell runs
 * `script`, with `args` as $1, $2 … and what it was told last as $line. Exit hooks could not do that: nothing of ours
 * runs after a SIGKILL, and a library should not take over SIGINT and SIGTERM from its program.
 */
export function guardExit(script: string, args: readonly string[] = []): ExitGuard {
  const wait = 'line=; while read -r next; do line=$next; done';
  const shell = spawn('/bin/sh', ['-c', `${wait}; ${script}`, 'guard', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // In a group of its own, so that Ctrl-C in the terminal does not end the guard before us.
    detached: true,
  });
  // A machine without a shell only loses the clean-up after a crash.
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  (shell.stdin as Socket).unref();
  return {
    tell: (line) => {
      shell.stdin.write(`${line}\n`);
    },
    dismiss: () => {
      shell.kill('SIGKILL');
      shell.stdin.destroy();
    },
  };
}
