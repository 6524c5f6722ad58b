/** The number of shards of a prefix, fixed at its first use: another number would look for runs where they are not. */
import { PawlError } from '../core/errors.ts';
import type { Connection } from './connection.ts';
import { configKey } from './keys.ts';

/**
 * `wanted`: for a new prefix. A known one is only read, so that a full Redis can be opened.
 * @throws PawlError `PAWL_SHARDS` when the prefix has another number than was asked for.
 */
export async function shardsOf(
  redis: Connection,
  prefix: string,
  { wanted, asked }: { readonly wanted: number; readonly asked: number | undefined },
): Promise<number> {
  const key = configKey(prefix);
  let known = await redis.hget(key, 'shards');
  if (known === null) {
    await redis.hsetnx(key, 'shards', wanted);
    known = await redis.hget(key, 'shards');
  }
  const shards = Number(known);
  if (asked === undefined || shards === asked) return shards;
  throw new PawlError(
    'PAWL_SHARDS',
    `Prefix ${prefix} has ${shards} shards, ${asked} were asked for; nothing was written. Leave the option out, or choose another prefix.`,
  );
}
