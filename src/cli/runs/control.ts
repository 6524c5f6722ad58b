/** `pawl runs resume|pause|cancel|delete`: of runs that are named, or of all that meet conditions. */
import type { Command } from 'commander';
import { recordError } from '../../core/error-record.ts';
import { RunError } from '../../core/errors.ts';
import { type BulkAction, bulkActions, type BulkProgress } from '../../engine/runs/bulk.ts';
import type { Request } from '../../core/request.ts';
import type { RunHandle } from '../../engine/runs/run-handle.ts';
import type { SearchOptions } from '../../options.ts';
import type { Pawl } from '../../pawl.ts';
import { exitCodeOf, explain, RefusedError, UsageError } from '../failures.ts';
import { findRun } from '../given.ts';
import { counted } from '../print.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { type SelectionFlags, toSelection, withSelection } from './selection.ts';

export interface Verb {
  readonly name: string;
  readonly description: string;
  /** What is asked before, when it cannot be undone. */
  readonly question?: string;
  /** False: there was nothing to do. */
  act(pawl: Pawl, run: RunHandle, request: Request): Promise<boolean>;
}

export const resumeVerb: Verb = {
  name: 'resume',
  description: 'Lets paused runs go on, and failed or quarantined ones try again.',
  act: (_, run, request) => run.resume(request),
};

export const deleteVerb: Verb = {
  name: 'delete',
  description: 'Removes runs and every trace of them.',
  question: 'Delete',
  act: (pawl, run, request) => pawl.delete(run.id, request),
};

const verbs: readonly Verb[] = [
  resumeVerb,
  {
    name: 'pause',
    description: 'Keeps runs from being executed until they are resumed.',
    act: async (_, run, request) => {
      await run.pause(request);
      return true;
    },
  },
  {
    name: 'cancel',
    description: 'Cancels runs; those at work may clean up.',
    question: 'Cancel',
    act: async (_, run, request) => {
      await run.cancel(request);
      return true;
    },
  },
  deleteVerb,
];

const refusedCode = 4;

interface ControlFlags extends SelectionFlags {
  readonly reason?: string;
  readonly dryRun?: boolean;
}

export const addControl: Add = (runs, signal) => {
  for (const verb of verbs) addVerb(withSelection(runs.command(verb.name)), verb, signal);
};

function addVerb(command: Command, verb: Verb, signal: AbortSignal): void {
  command
    .description(verb.description)
    .argument('[run...]', 'or conditions, as in runs list')
    .option('--reason <text>', 'kept in the logs of the runs')
    .option('--dry-run', 'only print which runs')
    .action(
      inShell(signal, (shell, given: readonly string[], flags: ControlFlags) =>
        control(shell, verb, { given, flags }),
      ),
    );
}

async function control(
  shell: Shell,
  verb: Verb,
  { given, flags }: { given: readonly string[]; flags: ControlFlags },
): Promise<number> {
  const selection = toSelection(flags);
  if (given.length > 0 === (selection !== undefined)) {
    throw new UsageError(`pawl runs ${verb.name} needs either runs or conditions (--status, …).`);
  }
  if (selection !== undefined) return actOnAll(shell, verb, { ...flags, selection });
  return actOn(shell, verb, { ...flags, ids: await idsOf(shell, given) });
}

async function idsOf(shell: Shell, given: readonly string[]): Promise<readonly string[]> {
  const ids = new Set<string>();
  for (const one of given) ids.add((await findRun(shell, one)).id);
  return [...ids];
}

/** Runs that meet conditions: what would be done is counted before anybody is asked. */
async function actOnAll(
  shell: Shell,
  verb: Verb,
  given: { readonly selection: SearchOptions; readonly dryRun?: boolean; readonly reason?: string },
): Promise<number> {
  const pawl = await shell.pawl();
  const { selection, dryRun = false, reason } = given;
  const request = { ...shell.request, ...(reason === undefined ? {} : { reason }) };
  const action = validAction(verb.name);
  if (dryRun || verb.question !== undefined) {
    const foreseen = await pawl.bulk(action, selection, { ...request, dryRun: true });
    if (dryRun) {
      shell.show(foreseen, () => foreseen.sample);
      shell.say(`${foreseen.done} of ${counted(foreseen.matched, 'run')}; nothing was done.`);
      return 0;
    }
    if (foreseen.done > 0)
      await shell.confirm(`${verb.question} ${counted(foreseen.done, 'run')}`, foreseen.done);
  }
  const progress = await shell.progress(verb.name);
  let last: BulkProgress | undefined;
  const onProgress = (at: BulkProgress): void => {
    last = at;
    progress.at(`${verb.name}: ${at.done} of ${at.matched}`);
    if (shell.signal.aborted) throw new RefusedError('stopped');
  };
  try {
    const report = await pawl.bulk(action, selection, { ...request, onProgress });
    const { done, matched, refused } = report;
    shell.show(report, () => report.sample);
    shell.say(
      matched === 0
        ? 'No run meets these conditions; nothing was done.'
        : `${done} of ${counted(matched, 'run')} done; ${refused.length} refused.`,
    );
    for (const { run, error } of refused) shell.say(`${run}: ${error.message}`);
    return refused.length === 0 ? 0 : refusedCode;
  } catch (error) {
    if (shell.signal.aborted)
      shell.say(
        `Stopped after ${counted(last?.done ?? 0, 'run')}; run the same command again for the rest.`,
      );
    throw error;
  } finally {
    progress.end();
  }
}

function validAction(name: string): BulkAction {
  const action = bulkActions.find((one) => one === name);
  if (action === undefined) throw new TypeError(`${name} is not an action on many runs`);
  return action;
}

/** One run after the other, so that a command that is stopped leaves none half done. */
export async function actOn(
  shell: Shell,
  verb: Verb,
  { ids, dryRun, reason }: { ids: readonly string[]; dryRun?: boolean; reason?: string },
): Promise<number> {
  if (dryRun === true) {
    shell.show({ action: verb.name, dryRun, runs: ids }, () => ids);
    return 0;
  }
  if (verb.question !== undefined && ids.length > 0) {
    const what = ids.length === 1 ? `run ${String(ids[0])}` : `${ids.length} runs`;
    await shell.confirm(`${verb.question} ${what}`, ids.length);
  }
  const pawl = await shell.pawl();
  const request = { ...shell.request, ...(reason === undefined ? {} : { reason }) };
  const done: string[] = [];
  const unchanged: string[] = [];
  const refused: { run: string; error: ReturnType<typeof recordError> }[] = [];
  let code = 0;
  const progress = await shell.progress(`${verb.name} ${counted(ids.length, 'run')}`);
  for (const [i, id] of ids.entries()) {
    if (shell.signal.aborted) break;
    progress.at(`${verb.name} ${i + 1} of ${ids.length}`);
    try {
      const isDone = await verb.act(pawl, pawl.run(id), request);
      (isDone ? done : unchanged).push(id);
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      refused.push({ run: id, error: recordError(error) });
      code = exitCodeOf(error);
      if (!shell.json) shell.say(explain(error) ?? '');
    }
  }
  progress.end();
  shell.show({ action: verb.name, done, unchanged, refused }, () => done);
  if (unchanged.length > 0) shell.say(`There was nothing to do for ${unchanged.join(', ')}.`);
  if (shell.signal.aborted)
    shell.say(`Stopped after ${done.length} of ${counted(ids.length, 'run')}.`);
  return code;
}
