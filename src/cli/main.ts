#!/usr/bin/env node
/**
 * The `pawl` command. Data goes to standard output, everything said to a person to standard error.
 *
 *   exit code   0 done · 1 failed · 2 usage · 3 not found · 4 refused · 5 Redis unreachable ·
 *               6 a check failed · 130 Ctrl-C
 */
import { newAbortController } from '../engine/signals.ts';
import { buildProgram } from './program.ts';
import { exitCodeOf, explain } from './failures.ts';

/** A reader that closes the pipe has read enough. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const interrupted = newAbortController();
const interruptedCode = 130;
/** What is at work may come to its end; nobody waits longer for a command that was told to stop. */
const farewellMs = 1_500;
process.once('SIGINT', () => {
  interrupted.abort();
  process.exitCode = interruptedCode;
  setTimeout(() => process.exit(interruptedCode), farewellMs).unref();
});

try {
  await buildProgram(interrupted.signal).parseAsync();
} catch (error) {
  if (!interrupted.signal.aborted) {
    const said = explain(error);
    if (said !== undefined) process.stderr.write(`${said}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
