#!/usr/bin/env node
/**
 * The `pawl` command. Data goes to standard output, everything said to a person to standard error. With `--json` an error is
 * `{ error: { code, message, next? } }` there.
 *
 *   exit code   0 done · 1 failed · 2 usage · 3 not found · 4 refused · 5 Redis unreachable ·
 *               6 a check failed · 130 Ctrl-C
 */
import { newAbortController } from '../engine/signals.ts';
import { asksForJson, buildProgram } from './program.ts';
import { errorDocument, exitCodeOf, explain } from './failures.ts';

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
    process.exitCode = exitCodeOf(error);
    const isWrong = process.exitCode !== 0;
    const said = asksForJson() && isWrong ? JSON.stringify(errorDocument(error)) : explain(error);
    if (said !== undefined) process.stderr.write(`${said}\n`);
  }
}
