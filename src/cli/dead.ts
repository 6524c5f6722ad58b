/** `pawl dead …`: runs that failed, and those that were quarantined because they kept losing workers. */
import type { SearchOptions } from '../options.ts';
import { RefusedError, UsageError } from './failures.ts';
import { findRun, toCount } from './given.ts';
import { actOn, deleteVerb, resumeVerb, type Verb } from './runs/control.ts';
import { runTable } from './runs/list.ts';
import { type Add, inShell, type Shell } from './shell.ts';

const dead = { status: ['failed', 'quarantined'] } as const satisfies SearchOptions;
const discardVerb: Verb = { ...deleteVerb, name: 'discard', question: 'Discard' };
const retryVerb: Verb = { ...resumeVerb, name: 'retry' };
const allMax = 500;

interface DeadFlags {
  readonly all?: boolean;
  readonly reason?: string;
}

export const addDead: Add = (program, signal) => {
  const noun = program.command('dead').description('Failed and quarantined runs.');
  noun
    .command('list')
    .description('Failed and quarantined runs, the newest first.')
    .option('--workflow <name>', 'of this workflow')
    .option('--limit <n>', 'how many at most, up to 500', toCount, 50)
    .option('--cursor <text>', 'the next page: the page before prints its cursor')
    .action(
      inShell(signal, (shell, flags: { workflow?: string; limit: number; cursor?: string }) =>
        list(shell, flags),
      ),
    );
  for (const [verb, description] of [
    [retryVerb, 'Lets them try again from their last snapshot.'],
    [discardVerb, 'Removes them and every trace of them.'],
  ] as const) {
    noun
      .command(verb.name)
      .description(description)
      .argument('[run...]')
      .option('--all', `all of them, ${allMax} at a time`)
      .option('--reason <text>', 'kept in the logs of the runs')
      .action(
        inShell(signal, (shell, given: readonly string[], flags: DeadFlags) =>
          act(shell, verb, { given, ...flags }),
        ),
      );
  }
};

async function list(
  shell: Shell,
  { limit, ...rest }: { workflow?: string; limit: number; cursor?: string },
): Promise<void> {
  const pawl = await shell.pawl();
  const page = await pawl.list({ ...dead, ...withoutFlags(rest), limit });
  shell.show(page, () => runTable(shell, page.runs));
  if (page.runs.length === 0) shell.say('No run has failed, and none is quarantined.');
  if (page.cursor !== undefined) shell.say(`There are more: --cursor ${page.cursor}`);
  if (page.runs[0] !== undefined) shell.next(`pawl dead retry ${page.runs[0].id}`);
}

/** Options hold the global flags as well, once they are merged; only these two are conditions. */
function withoutFlags({ workflow, cursor }: { workflow?: string; cursor?: string }): {
  workflow?: string;
  cursor?: string;
} {
  return {
    ...(workflow === undefined ? {} : { workflow }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

async function act(
  shell: Shell,
  verb: Verb,
  { given, all = false, reason }: DeadFlags & { readonly given: readonly string[] },
): Promise<number> {
  if (given.length > 0 === all) {
    throw new UsageError(`pawl dead ${verb.name} needs either runs or --all.`);
  }
  const pawl = await shell.pawl();
  const runs = all
    ? (await pawl.list({ ...dead, limit: allMax })).runs
    : await Promise.all(given.map((one) => findRun(shell, one)));
  const living = runs.find(({ status }) => status !== 'failed' && status !== 'quarantined');
  if (living !== undefined) {
    throw new RefusedError(
      `Run ${living.id} is ${living.status}, neither failed nor quarantined; nothing was done.`,
    );
  }
  return actOn(shell, verb, {
    ids: runs.map(({ id }) => id),
    ...(reason === undefined ? {} : { reason }),
  });
}
