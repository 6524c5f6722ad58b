/** All commands, and the flags that each of them has. */
import { createRequire } from 'node:module';
import { Command } from 'commander';
import { addCompletion } from './completion.ts';
import { addDead } from './dead.ts';
import { addDev } from './dev/dev.ts';
import { addDevWorker } from './dev/dev-worker.ts';
import { addDoctor } from './doctor.ts';
import { addDrill } from './drill.ts';
import { addInbox } from './inbox.ts';
import { addInit } from './init.ts';
import { addMcp } from './mcp.ts';
import { addQueues } from './queues.ts';
import { addRecoveries } from './recoveries.ts';
import { addRehearse } from './rehearse.ts';
import { addRuns } from './runs/runs.ts';
import { addSchedules } from './schedules.ts';
import type { Add } from './shell.ts';
import { addUi } from './ui.ts';
import { addUpkeep } from './upkeep.ts';
import { addWorkers } from './workers.ts';

const nouns: readonly Add[] = [
  addInit,
  addDev,
  addDevWorker,
  addRuns,
  addInbox,
  addSchedules,
  addQueues,
  addWorkers,
  addRecoveries,
  addDead,
  addUpkeep,
  addDoctor,
  addDrill,
  addRehearse,
  addUi,
  addMcp,
  addCompletion,
];

export function buildProgram(signal: AbortSignal): Command {
  const program = new Command('pawl')
    .description('Looks at runs, and steers them.')
    .option('--redis <url>', 'where Redis is (PAWL_REDIS_URL, REDIS_URL)')
    .option('--prefix <text>', 'first part of every key (PAWL_PREFIX)')
    .option('--runs <file>', 'the file that exports your workflows (PAWL_RUNS)')
    .option('--config <file>', 'default: pawl.config.{ts,mjs,js,json} (PAWL_CONFIG)')
    .option('--actor <name>', 'who is noted in the logs of runs (PAWL_ACTOR)')
    .option('--connect-ms <ms>', 'how long to wait for Redis (PAWL_CONNECT_MS)')
    .option('--json', 'print data as JSON: one document, or a line for each in a stream')
    .option('-q, --quiet', 'only data and errors')
    .option('-y, --yes', 'do not ask')
    .option('--no-interactive', 'never ask: fail instead')
    .option('--no-color', 'no colours (NO_COLOR)')
    .version(version(), '-v, --version')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureOutput({
      // The one error of a command is told by `main.ts` then.
      outputError: (text, write) => {
        if (!asksForJson()) write(text);
      },
    })
    .exitOverride();
  for (const add of nouns) add(program, signal);
  settle(program);
  return program;
}

/** Whatever is wrong with the other arguments. */
export function asksForJson(): boolean {
  return process.argv.slice(2).includes('--json');
}

function version(): string {
  const about = createRequire(import.meta.url)('pawl/package.json') as { version: string };
  return about.version;
}

/** What is wrong is said on standard error, and help is a kind of data. Each command would else decide for itself. */
function settle(command: Command): void {
  command.configureHelp({ showGlobalOptions: command.parent !== null });
  for (const child of command.commands) {
    child
      .exitOverride()
      .showSuggestionAfterError(true)
      .showHelpAfterError(false)
      .helpCommand(false);
    settle(child);
  }
}
