/** `pawl inbox`: what runs wait for that a person may answer. */
import type { ListOptions } from '../options.ts';
import { decisionItems, decisionKinds, inboxItems } from '../engine/runs/inbox-items.ts';
import { UsageError } from './failures.ts';
import { toCount } from './given.ts';
import { type Add, inShell, type Shell } from './shell.ts';

interface InboxFlags {
  readonly signal?: string;
  readonly key?: string;
  readonly workflow?: string;
  readonly decisions?: true;
  readonly limit: number;
  readonly cursor?: string;
}

export const addInbox: Add = (program, signal) => {
  program
    .command('inbox')
    .description('Waits that a person may answer. pawl runs answer answers one.')
    .option('--signal <name>', 'only waits for this signal')
    .option('--key <key>', 'with --signal: only waits with this key')
    .option('--workflow <name>', 'only of runs of this workflow')
    .option('--decisions', 'what only a person can settle: effects in doubt, undos that failed')
    .option('--limit <n>', 'of how many runs at most, up to 500', toCount, 50)
    .option('--cursor <text>', 'the next page: the page before prints its cursor')
    .action(
      inShell(signal, (shell, flags: InboxFlags) =>
        flags.decisions === true ? listDecisions(shell, flags) : list(shell, flags),
      ),
    );
};

async function list(shell: Shell, flags: InboxFlags): Promise<void> {
  const { signal, key } = flags;
  const pawl = await shell.pawl();
  const { runs, cursor } = await pawl.list(toOptions(flags));
  const items = inboxItems(runs, { signal, key });
  shell.show({ items, cursor }, () =>
    shell.table(
      ['run', 'wait', 'about', 'signal', 'key', 'since', 'until'],
      items.map((one) => [
        one.run,
        one.wait,
        one.label,
        one.signals.join(', '),
        one.key,
        one.since,
        one.until,
      ]),
    ),
  );
  const [first] = items;
  if (first === undefined) shell.say('No run waits for an answer.');
  if (cursor !== undefined) shell.say(`There are more: --cursor ${cursor}`);
  if (first !== undefined) shell.next(`pawl runs answer ${first.run} '${first.wait}' --data '…'`);
}

async function listDecisions(shell: Shell, flags: InboxFlags): Promise<void> {
  const { workflow, limit, signal, key, cursor } = flags;
  if (signal !== undefined || key !== undefined || cursor !== undefined) {
    throw new UsageError('--decisions goes with --workflow and --limit only.');
  }
  const pawl = await shell.pawl();
  const ofWorkflow = workflow === undefined ? {} : { workflow };
  const pages = await Promise.all(
    decisionKinds.map((waitsFor) => pawl.list({ waitsFor, limit, ...ofWorkflow })),
  );
  const items = decisionItems(pages.flatMap(({ runs }) => runs));
  shell.show({ items }, () =>
    shell.table(
      ['run', 'workflow', 'what', 'name', 'since'],
      items.map(({ run, workflow: of, kind, name, since }) => [
        run,
        of,
        kind === 'undo' ? 'not undone' : 'in doubt',
        name,
        since,
      ]),
    ),
  );
  const [first] = items;
  if (first === undefined) shell.say('No run waits for a decision.');
  if (pages.some(({ cursor: more }) => more !== undefined)) shell.say('There are more: --limit.');
  if (first !== undefined) shell.next(`pawl runs decide ${first.run} '${first.name}' retry`);
}

function toOptions({ signal, key, workflow, limit, cursor }: InboxFlags): ListOptions {
  return {
    waitsFor: signal ?? 'kind:signal',
    limit,
    ...(key === undefined ? {} : { waitKey: key }),
    ...(workflow === undefined ? {} : { workflow }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}
