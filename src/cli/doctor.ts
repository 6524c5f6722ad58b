/** `pawl doctor`: where the settings come from, and whether Redis is as it should be. */
import { DefinitionError, PawlError } from '../core/errors.ts';
import { aclRules } from '../redis/acl.ts';
import { checkFailed, explain, UsageError } from './failures.ts';
import { pairs } from './print.ts';
import type { Add } from './program.ts';
import { withoutSecret } from './settings.ts';
import { inShell, type Shell } from './shell.ts';

const userPattern = /^[A-Za-z0-9_.-]{1,64}$/;

export const addDoctor: Add = (program, signal) => {
  program
    .command('doctor')
    .description('Checks the settings and Redis; exit code 6 when something is wrong.')
    .option('--acl', 'instead, print the access rules a Redis user of pawl needs')
    .option('--user <name>', 'whose rules', 'pawl')
    .action(
      inShell(signal, (shell, flags: { acl?: boolean; user: string }) =>
        flags.acl === true ? printRules(shell, flags.user) : check(shell),
      ),
    );
};

async function printRules(shell: Shell, user: string): Promise<void> {
  if (!userPattern.test(user)) throw new UsageError('--user must be 1-64 of A-Z a-z 0-9 _ . -');
  const rules = `ACL SETUSER ${user} ${aclRules(shell.settings.prefix.value ?? '').join(' ')}`;
  shell.show({ rules }, () => rules);
  shell.say(`Pipe it to redis-cli, then give the user a password: ACL SETUSER ${user} '>password'`);
  await Promise.resolve();
}

async function check(shell: Shell): Promise<number> {
  const { redis, prefix, runs } = shell.settings;
  const settings = Object.fromEntries(
    Object.entries({ redis, prefix, runs }).map(([name, { value, from }]) => [
      name,
      { value: value === undefined ? undefined : withoutSecret(value), from },
    ]),
  );
  const checks: { name: string; ok: boolean; problem?: string }[] = [];
  const attempt = async (name: string, task: () => Promise<unknown>): Promise<void> => {
    try {
      await task();
      checks.push({ name, ok: true });
    } catch (error) {
      if (PawlError.is(error) && error.code === 'PAWL_UNAVAILABLE') throw error;
      if (error instanceof DefinitionError) throw error;
      checks.push({ name, ok: false, problem: explain(error) ?? String(error) });
    }
  };
  if (runs.value !== undefined) await attempt('workflows', () => shell.workflows());
  await attempt('redis', async () => (await shell.pawl()).list({ limit: 1 }));
  const isWell = checks.every(({ ok }) => ok);
  shell.show({ ok: isWell, settings, checks }, () => [
    ...pairs(
      Object.fromEntries(
        Object.entries(settings).map(([name, { value, from }]) => [
          name,
          value === undefined ? undefined : `${value} (${from})`,
        ]),
      ),
    ),
    ...checks.map(
      ({ name, ok, problem }) =>
        `${ok ? 'well ' : 'WRONG'} ${name}${problem === undefined ? '' : `: ${problem}`}`,
    ),
  ]);
  return isWell ? 0 : checkFailed;
}
