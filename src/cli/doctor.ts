/** `pawl doctor`: whether Redis is as it should be. For now: the access rules a user of pawl needs. */
import { parseArgs } from 'node:util';
import { PawlError } from '../core/errors.ts';
import { defaults } from '../core/limits.ts';
import { checkPrefix } from '../core/names.ts';
import { aclRules } from '../redis/acl.ts';
import { type Command, UsageError } from './command.ts';

const userPattern = /^[A-Za-z0-9_.-]{1,64}$/;

export const doctor: Command = {
  name: 'doctor',
  summary: 'prints the access rules a Redis user of pawl needs',
  usage: 'pawl doctor --acl [--prefix pawl] [--user pawl]',
  async run(args, { out, err }) {
    const { acl, prefix, user } = parse(args);
    if (!acl) throw new UsageError('say what to look at: --acl');
    out(`ACL SETUSER ${user} ${aclRules(prefix).join(' ')}`);
    err(`Pipe it to redis-cli, then give the user a password: ACL SETUSER ${user} '>password'`);
    return 0;
  },
};

function parse(args: readonly string[]): { acl: boolean; prefix: string; user: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        acl: { type: 'boolean', default: false },
        prefix: { type: 'string', default: defaults.prefix },
        user: { type: 'string', default: 'pawl' },
      },
    });
    checkPrefix(values.prefix);
    if (!userPattern.test(values.user)) {
      throw new UsageError('--user must be 1-64 of A-Z a-z 0-9 _ . -');
    }
    return values;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const isOurs = PawlError.is(error) || error instanceof TypeError;
    throw isOurs ? new UsageError(error.message, { cause: error }) : error;
  }
}
