/** Which runs: by conditions that lists and bulk commands share. */
import { type Command, Option } from 'commander';
import { runStatuses, type RunStatus } from '../../core/run.ts';
import type { SearchOptions } from '../../options.ts';
import { toTag, toTime } from '../given.ts';

export interface SelectionFlags {
  readonly status?: readonly RunStatus[];
  readonly workflow?: string;
  readonly tag?: string;
  readonly key?: string;
  readonly worker?: string;
  readonly idPrefix?: string;
  readonly parent?: string;
  readonly waitingFor?: string;
  readonly since?: Date;
  readonly until?: Date;
}

export function withSelection(command: Command): Command {
  return command
    .addOption(new Option('--status <status...>', 'one of these').choices(runStatuses))
    .option('--workflow <name>', 'runs of this workflow')
    .option('--tag <key=value>', 'runs with this tag')
    .option('--key <text>', 'runs of this key')
    .option('--worker <id>', 'runs that this worker holds now')
    .option('--id-prefix <text>', 'runs whose id begins so')
    .option('--parent <run>', 'runs that this run has started')
    .option(
      '--waiting-for <signal>',
      'runs that wait for this signal, or for kind:timer, kind:child …',
    )
    .option('--since <time>', 'created since: 1h ago, or an ISO time', toTime)
    .option('--until <time>', 'created before: 1h ago, or an ISO time', toTime);
}

/** Undefined when no condition was given. */
export function toSelection(flags: SelectionFlags): SearchOptions | undefined {
  const { status, workflow, tag, key, worker, idPrefix, parent, since, until } = flags;
  const waitsFor = flags.waitingFor;
  const all = { status, workflow, key, worker, idPrefix, parent, waitsFor, since, until };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  if (given.length === 0 && tag === undefined) return undefined;
  return { ...Object.fromEntries(given), ...(tag === undefined ? {} : { tag: toTag(tag) }) };
}
