/** `pawl schedules …` */
import type { ScheduleInfo } from '../core/schedules.ts';
import type { Named } from '../engine/definition/check-workflow.ts';
import type { Pawl } from '../pawl.ts';
import { NotFoundError } from './failures.ts';
import { units } from './print.ts';
import { type Add, inShell, type Shell } from './shell.ts';

export const addSchedules: Add = (program, signal) => {
  const noun = program
    .command('schedules')
    .description('Schedules: they start runs at certain times.');
  noun
    .command('list')
    .description('Schedules in the order of their ids: when each is due, and what it left out.')
    .option('--workflow <name>', 'of this workflow')
    .action(inShell(signal, (shell, flags: { workflow?: string }) => list(shell, flags.workflow)));
  noun
    .command('remove')
    .description('Ends a schedule; runs that it has started go on.')
    .argument('<workflow>')
    .argument('<id>')
    .action(
      inShell(signal, (shell, workflow: string, id: string) => remove(shell, { workflow, id })),
    );
  for (const { name, description, act } of verbs) {
    noun
      .command(name)
      .description(description)
      .argument('<workflow>')
      .argument('<id>')
      .action(
        inShell(signal, async (shell, workflow: string, id: string) => {
          const pawl = await shell.pawl();
          const done = await act(pawl, { name: workflow }, id);
          if (done === undefined || done === false) throw missing(workflow, id);
          const run = typeof done === 'string' ? { run: done } : {};
          shell.show({ workflow, schedule: id, done: name, ...run }, () => run.run ?? id);
        }),
      );
  }
};

/** What a schedule does in the name of who uses the shell; false or undefined where there is no such one. */
const verbs: readonly {
  readonly name: string;
  readonly description: string;
  readonly act: (pawl: Pawl, workflow: Named, id: string) => Promise<string | boolean | undefined>;
}[] = [
  {
    name: 'pause',
    description: 'Holds a schedule back; times that pass meanwhile are not started later.',
    act: (pawl, workflow, id) => pawl.scheduled.pause(workflow, id),
  },
  {
    name: 'resume',
    description: 'Lets a paused schedule go on, with its first time from now.',
    act: (pawl, workflow, id) => pawl.scheduled.resume(workflow, id),
  },
  {
    name: 'trigger',
    description: 'Starts a run of a schedule now, and prints the id of the run.',
    act: (pawl, workflow, id) => pawl.scheduled.trigger(workflow, id),
  },
];

function missing(workflow: string, id: string): NotFoundError {
  return new NotFoundError(
    `Workflow ${workflow} has no schedule ${id}. pawl schedules list shows all.`,
  );
}

async function list(shell: Shell, workflow: string | undefined): Promise<void> {
  const pawl = await shell.pawl();
  const schedules = await pawl.schedules(workflow === undefined ? undefined : { name: workflow });
  const documents = schedules.map(({ nextAt, waiting, ...rest }) => ({
    ...rest,
    nextAt: new Date(nextAt),
    waiting: waiting.map((time) => new Date(time)),
  }));
  shell.show(documents, () =>
    shell.table(
      ['id', 'workflow', 'when', 'next', 'last run', 'missed', 'skipped', 'waiting'],
      schedules.map((one) => [
        one.id,
        one.workflow,
        timingOf(one),
        one.paused ? 'paused' : new Date(one.nextAt),
        one.lastRun,
        one.timesMissed,
        one.timesSkipped,
        one.waiting.length,
      ]),
    ),
  );
  if (schedules.length === 0) shell.say('There is no schedule. pawl.schedule() makes one.');
}

function timingOf({ cron, timeZone, everyMs }: ScheduleInfo): string {
  if (cron === undefined) return `every ${lengthOf(everyMs ?? 0)}`;
  return timeZone === undefined ? cron : `${cron} ${timeZone}`;
}

/** In the largest unit that leaves no rest. */
function lengthOf(ms: number): string {
  const [unit, size] = units.find(([, one]) => ms % one === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

async function remove(shell: Shell, about: { workflow: string; id: string }): Promise<void> {
  const { workflow, id } = about;
  const pawl = await shell.pawl();
  await shell.confirm(`Remove schedule ${id} of ${workflow}`);
  if (!(await pawl.unschedule({ name: workflow }, id))) throw missing(workflow, id);
  shell.show({ workflow, removed: id }, () => id);
}
