/** `pawl retain`, `compact`, `memory` and `deletions`: what runs leave behind, and how it goes. */
import { Option } from 'commander';
import type { Duration } from '../core/duration.ts';
import { type RunStatus, runStatuses } from '../core/run.ts';
import type { RetainedRun, RetentionPolicy } from '../engine/upkeep/retention.ts';
import type { Pawl } from '../pawl.ts';
import { findRun, toCount } from './given.ts';
import { counted } from './print.ts';
import { type Add, inShell, type Shell } from './shell.ts';

interface RetainFlags {
  readonly workflow?: string;
  readonly status?: readonly RunStatus[];
  readonly olderThan?: Duration;
  readonly keepNewest?: number;
  readonly compact?: boolean;
  readonly dryRun?: boolean;
}

export const addUpkeep: Add = (program, signal) => {
  program
    .command('retain')
    .description('Deletes ended runs by a rule, or compacts their logs. Asks first.')
    .option('--workflow <name>', 'runs of this workflow')
    .addOption(
      new Option(
        '--status <status...>',
        'one of these; default: completed, failed, cancelled',
      ).choices(runStatuses),
    )
    .option('--older-than <time>', 'only runs whose status is older: 30d, 12h')
    .option('--keep-newest <n>', 'keep this many of each workflow and status', toCount)
    .option('--compact', 'keep the runs, and drop the events that their snapshots cover')
    .option('--dry-run', 'only print which runs')
    .action(inShell(signal, (shell, flags: RetainFlags) => retain(shell, flags)));
  program
    .command('compact')
    .description('Drops the events of a run that its snapshot covers. Nobody can see them again.')
    .argument('<run>')
    .option('--up-to <seq>', 'drop no event after this one', toCount)
    .action(
      inShell(signal, (shell, given: string, flags: { upTo?: number }) =>
        compact(shell, given, flags.upTo),
      ),
    );
  program
    .command('memory')
    .description('Bytes in Redis by kind: of a run, or of the newest runs of a workflow or of all.')
    .argument('[run]')
    .option('--workflow <name>', 'runs of this workflow')
    .option('--sample <n>', 'how many are measured', toCount, 100)
    .action(
      inShell(signal, (shell, given: string | undefined, flags: MemoryFlags) =>
        memory(shell, given, flags),
      ),
    );
  program
    .command('deletions')
    .description('Runs that were deleted on request, by whom and why, the last one first.')
    .option('--limit <n>', 'how many at most, up to 500', toCount, 50)
    .option('--cursor <text>', 'the next page: the page before prints its cursor')
    .action(
      inShell(signal, (shell, flags: { limit: number; cursor?: string }) =>
        deletions(shell, flags),
      ),
    );
};

async function retain(shell: Shell, flags: RetainFlags): Promise<number> {
  const pawl = await shell.pawl();
  const policy = toPolicy(flags);
  const foreseen = await perform(shell, pawl, policy, true);
  const verb = flags.compact === true ? 'Compact' : 'Delete';
  if (flags.dryRun === true || foreseen.runs.length === 0) {
    return report(shell, foreseen);
  }
  const first = foreseen.more ? 'the first ' : '';
  const what = `${verb} ${first}${counted(foreseen.runs.length, 'run')}`;
  await shell.confirm(what, foreseen.runs.length);
  return report(shell, await perform(shell, pawl, policy, false));
}

function toPolicy(flags: RetainFlags): RetentionPolicy {
  const { workflow, status, olderThan, keepNewest, compact: isCompact } = flags;
  const rule = {
    ...(workflow === undefined ? {} : { workflow }),
    ...(status === undefined ? {} : { status }),
    ...(olderThan === undefined ? {} : { olderThan }),
    ...(keepNewest === undefined ? {} : { keepNewest }),
    ...(isCompact === true ? { action: 'compact' as const } : {}),
  };
  return { rules: [rule] };
}

interface Performed {
  readonly dryRun: boolean;
  readonly runs: readonly RetainedRun[];
  /** There are others. */
  readonly more: boolean;
}

async function perform(
  shell: Shell,
  pawl: Pawl,
  policy: RetentionPolicy,
  dryRun: boolean,
): Promise<Performed> {
  const progress = await shell.progress('retain');
  try {
    return await pawl.retain(policy, { dryRun, actor: shell.request.actor });
  } finally {
    progress.end();
  }
}

const failedCode = 1;

function report(shell: Shell, { dryRun, runs, more }: Performed): number {
  shell.show({ dryRun, runs, more }, () =>
    shell.table(
      ['run', 'workflow', 'status', 'action', 'outcome', 'dropped', 'error'],
      runs.map((one) => [
        one.run,
        one.workflow,
        one.status,
        one.action,
        one.outcome,
        one.dropped,
        one.error?.message,
      ]),
    ),
  );
  const failed = runs.filter(({ outcome }) => outcome === 'failed').length;
  const what = dryRun ? 'Nothing was done; the rule meets' : 'Done:';
  shell.say(`${what} ${counted(runs.length, 'run')}${failed === 0 ? '' : `, ${failed} failed`}.`);
  if (more) shell.say('There are more: run the same command again.');
  return failed === 0 ? 0 : failedCode;
}

async function compact(shell: Shell, given: string, upTo: number | undefined): Promise<void> {
  const { id } = await findRun(shell, given);
  const pawl = await shell.pawl();
  await shell.confirm(`Drop events of run ${id} for good`);
  const { firstSeq, dropped } = await pawl.compact(id, upTo === undefined ? {} : { upTo });
  shell.show({ run: id, firstSeq, dropped }, () => id);
  shell.say(`${counted(dropped, 'event')} dropped; the log begins at seq ${firstSeq}.`);
}

interface MemoryFlags {
  readonly workflow?: string;
  readonly sample: number;
}

async function memory(shell: Shell, given: string | undefined, flags: MemoryFlags): Promise<void> {
  const pawl = await shell.pawl();
  if (given !== undefined) {
    const { id } = await findRun(shell, given);
    const bytes = await pawl.memory(id);
    shell.show({ run: id, bytes }, () => shell.pairs({ run: id, ...bytes }));
    return;
  }
  const { workflow, sample } = flags;
  const of = { sample, ...(workflow === undefined ? {} : { workflow }) };
  const { runs, measured, bytes, estimated } = await pawl.memory(of);
  shell.show({ runs, measured, bytes, estimated }, () =>
    shell.pairs({ runs, measured, ...bytes, estimated }),
  );
  shell.say(`In bytes; estimated: of ${counted(runs, 'run')}, if all are like those measured.`);
}

async function deletions(shell: Shell, flags: { limit: number; cursor?: string }): Promise<void> {
  const { limit, cursor } = flags;
  const pawl = await shell.pawl();
  const page = await pawl.deletions({ limit, ...(cursor === undefined ? {} : { cursor }) });
  shell.show(page, () =>
    shell.table(
      ['at', 'run', 'workflow', 'actor', 'reason'],
      page.deletions.map(({ at, run, workflow, actor, reason }) => [
        at,
        run,
        workflow,
        actor,
        reason,
      ]),
    ),
  );
  if (page.deletions.length === 0) shell.say('No run was deleted on request.');
  if (page.cursor !== undefined) shell.say(`There are more: --cursor ${page.cursor}`);
}
