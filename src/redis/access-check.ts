/**
 * Which commands, keys and channels of pawl this user is refused.
 *
 * Each command is put into a transaction that is then discarded: Redis checks the rights when it queues a command, so
 * nothing is executed and nothing written. When this process dies in between, Redis discards the transaction itself.
 */
import type { Redis } from 'ioredis';
import { aclCommands } from './acl.ts';

/** The frame itself; and subscriptions, which the check of presence really makes. */
const untried = new Set(['multi', 'exec', 'discard', 'ssubscribe', 'sunsubscribe']);
const argumentsMax = 8;

/** The refused commands, each with Redis' words; `connection` is used by nobody else. */
export async function refusedCommands(connection: Redis, key: string): Promise<readonly string[]> {
  await connection.call('MULTI');
  try {
    const names = aclCommands.filter((name) => !untried.has(name));
    const tried = await Promise.all(
      [...new Set(names)].map(async (name) => ({
        name,
        refusal: await ask(connection, name, key),
      })),
    );
    return tried.filter(({ refusal }) => refusal !== undefined).map(({ name }) => name);
  } finally {
    await connection.call('DISCARD');
  }
}

/** Asks with ever more arguments until there are enough of them. */
async function ask(connection: Redis, name: string, key: string): Promise<string | undefined> {
  const [command = '', ...words] = name.split('|');
  for (let count = 0; count <= argumentsMax; count++) {
    const args = [...words, ...Array.from({ length: count }, () => key)];
    const answer: unknown = await connection
      .call(command, ...args)
      .catch((error: Error) => error.message);
    const said = String(answer);
    if (said.startsWith('NOPERM')) return said;
    if (!/wrong number|unknown subcommand/i.test(said)) return undefined;
  }
  return undefined;
}
