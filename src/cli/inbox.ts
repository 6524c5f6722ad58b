/** `pawl inbox`: what runs wait for that a person may answer. */
import type { ListOptions } from '../options.ts';
import { inboxItems } from '../engine/runs/inbox-items.ts';
import { toCount } from './given.ts';
import { type Add, inShell, type Shell } from './shell.ts';

interface InboxFlags {
  readonly signal?: string;
  readonly key?: string;
  readonly workflow?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export const addInbox: Add = (program, signal) => {
  program
    .command('inbox')
    .description('Waits of parked runs that a person may answer; pawl runs answer does it.')
    .option('--signal <name>', 'only waits for this signal')
    .option('--key <key>', 'with --signal: only waits with this key')
    .option('--workflow <name>', 'only of runs of this workflow')
    .option('--limit <n>', 'of at most so many runs, up to 500', toCount, 50)
    .option('--cursor <text>', 'the next page, as the page before says')
    .action(inShell(signal, (shell, flags: InboxFlags) => list(shell, flags)));
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

function toOptions({ signal, key, workflow, limit, cursor }: InboxFlags): ListOptions {
  return {
    waitsFor: signal ?? 'kind:signal',
    limit,
    ...(key === undefined ? {} : { waitKey: key }),
    ...(workflow === undefined ? {} : { workflow }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}
