/** `pawl doctor`: where the settings come from, and whether everything is as it should be. */
import { DefinitionError } from '../core/errors.ts';
import { aclRules } from '../redis/acl.ts';
import type { Check } from '../core/doctor.ts';
import { doctor } from '../redis/doctor.ts';
import { queuesCheck } from '../engine/worker/queues-check.ts';
import { checkFailed, explain, UsageError } from './failures.ts';
import { pairs } from './print.ts';
import { withoutSecret } from './settings.ts';
import { type Add, inShell, type Shell } from './shell.ts';

const userPattern = /^[A-Za-z0-9_.-]{1,64}$/;

interface Flags {
  readonly acl?: boolean;
  readonly user: string;
  readonly full?: boolean;
  readonly repair?: boolean;
}

export const addDoctor: Add = (program, signal) => {
  const command = program
    .command('doctor')
    .description('Checks the settings, Redis and the indexes; exit code 6 when something is wrong.')
    .option('--acl', 'instead, print the access rules a Redis user of pawl needs')
    .option('--user <name>', 'whose rules', 'pawl')
    .option('--full', 'look at every run and every key, not at a sample')
    .option('--repair', 'repair the indexes from the records; runs at work go on')
    .action(
      inShell(signal, (shell, flags: Flags) =>
        flags.acl === true ? printRules(shell, flags.user) : check(shell, flags),
      ),
    );
  command
    .command('live')
    .description('A liveness probe: exit code 0 and no output when Redis answers.')
    .action(inShell(signal, (shell) => probe(shell, false)));
  command
    .command('ready')
    .description('A readiness probe: exit code 0 when a worker is there and Redis takes writes.')
    .action(inShell(signal, (shell) => probe(shell, true)));
};

async function printRules(shell: Shell, user: string): Promise<void> {
  if (!userPattern.test(user)) throw new UsageError('--user must be 1-64 of A-Z a-z 0-9 _ . -');
  const rules = `ACL SETUSER ${user} ${aclRules(shell.settings.prefix.value ?? '').join(' ')}`;
  shell.show({ rules }, () => rules);
  shell.say(`Pipe it to redis-cli, then give the user a password: ACL SETUSER ${user} '>password'`);
  await Promise.resolve();
}

async function probe(shell: Shell, isReady: boolean): Promise<number> {
  const health = await (await shell.pawl()).health();
  const reasons = [
    ...(health.status === 'failed' ? health.reasons : []),
    ...(isReady && health.workers === 0 ? ['No worker is there.'] : []),
  ];
  for (const reason of reasons) shell.say(reason);
  return reasons.length === 0 ? 0 : 1;
}

async function check(shell: Shell, flags: Flags): Promise<number> {
  const { redis, prefix, runs, connectMs } = shell.settings;
  const settings = Object.fromEntries(
    Object.entries({ redis, prefix, runs }).map(([name, { value, from }]) => [
      name,
      { value: value === undefined ? undefined : withoutSecret(value), from },
    ]),
  );
  const workflows = runs.value === undefined ? [] : [await workflowsCheck(shell)];
  const report = await doctor({
    redis: redis.value ?? '',
    ...(prefix.value === undefined ? {} : { prefix: prefix.value }),
    full: flags.full === true,
    repair: flags.repair === true,
    connectMs: Number(connectMs.value),
  });
  const isOpen = report.checks.every(({ name, status }) => name !== 'redis' || status === 'ok');
  const queues = isOpen ? [await queuesOf(shell)] : [];
  const checks = [...workflows, ...report.checks, ...queues];
  const { damage, kinds } = report;
  const ok = checks.every(({ status }) => status !== 'fail');
  const said = Object.entries(settings).map(
    ([name, { value, from }]) => [name, value && `${value} (${from})`] as const,
  );
  shell.show({ ok, settings, checks, damage, ...(kinds === undefined ? {} : { kinds }) }, () => [
    ...pairs(Object.fromEntries(said)),
    ...checks.flatMap(lines),
    ...damage.map(
      ({ run, problems, repaired }) =>
        `${repaired ? 'repaired' : 'damaged '} ${run}: ${problems.join(', ')}`,
    ),
    ...Object.entries(kinds ?? {}).map(
      ([kind, { keys, bytes }]) => `keys  ${kind}: ${keys}, about ${bytes ?? '?'} bytes`,
    ),
  ]);
  return ok ? 0 : checkFailed;
}

const marks = { ok: 'ok   ', warn: 'warn ', fail: 'WRONG' } as const;

function lines({ name, status, found, expected, fix }: Check): string[] {
  if (status === 'ok') return [`${marks[status]} ${name}: ${found}`];
  return [
    `${marks[status]} ${name}: ${found}; expected: ${expected}`,
    ...(fix === undefined ? [] : [`      ${fix}`]),
  ];
}

async function queuesOf(shell: Shell): Promise<Check> {
  try {
    const pawl = await shell.pawl();
    return await queuesCheck(() => pawl.queues());
  } catch (error) {
    const found = explain(error) ?? String(error);
    return { name: 'queues', status: 'warn', found, expected: 'an answer' };
  }
}

async function workflowsCheck(shell: Shell): Promise<Check> {
  const about = { name: 'workflows', expected: 'a file that exports workflows' };
  try {
    const found = [...((await shell.workflows()) ?? new Map()).keys()].join(', ');
    return { ...about, status: 'ok', found };
  } catch (error) {
    if (error instanceof DefinitionError) throw error;
    return { ...about, status: 'fail', found: explain(error) ?? String(error) };
  }
}
