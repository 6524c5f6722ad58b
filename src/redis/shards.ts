/**
 * The number of shards of a prefix, fixed at its first use: another number would look for runs where they are not.
 *
 * It stands in the prefix's configuration, and in each shard beside its runs. Whoever empties Redis takes both away; what is
 * still open goes on with the number it knows. So the first run of a shard is made only when the configuration agrees, every
 * beat of a worker brings it back, and who opens a prefix without one asks the workers that are there first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PawlError } from '../core/errors.ts';
import type { Connection } from './connection.ts';
import { Keys } from './keys.ts';
import { lua } from './lua.gen.ts';

/** How long workers are given to say how many shards there are, and how often is looked. */
const askMs = 1_000;
const pollMs = 20;
/** More of them would say the same. */
const askedMax = 20;

/**
 * `wanted`: for a new prefix. A known one is only read, so that a full Redis can be opened.
 * @throws PawlError `PAWL_SHARDS` when the prefix has another number than was asked for.
 */
export async function shardsOf(
  redis: Connection,
  prefix: string,
  { wanted, asked }: { readonly wanted: number; readonly asked: number | undefined },
): Promise<number> {
  const keys = new Keys(prefix, 1);
  const known = await redis.hget(keys.config, 'shards');
  const shards = known === null ? await decide(redis, keys, wanted) : Number(known);
  if (asked === undefined || shards === asked) return shards;
  throw otherNumber(prefix, shards, asked);
}

/** The number of a prefix that says nothing of it: that of workers which live, else the one that is wanted. */
async function decide(redis: Connection, keys: Keys, wanted: number): Promise<number> {
  const [shard] = keys.shards;
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const isOver = waitedMs >= askMs;
    const args = [wanted, keys.liveBase, isOver ? 1 : ''];
    const reply = (await redis.eval(lua.config, 1, keys.config, ...args)) as string[];
    const [outcome, ...found] = reply;
    if (outcome === 'shards') return Number(found[0]);
    // A worker that is asked for nothing in particular beats at once.
    const workers = waitedMs === 0 ? found.slice(0, askedMax) : [];
    for (const worker of workers) await redis.spublish(shard?.nudges(worker) ?? '', '');
    await sleep(pollMs);
  }
}

/**
 * Makes a run by a script that is `unsure` when nothing in the run's shard says that the prefix has as many shards as this
 * process thinks; then that is looked at, and the script is called again.
 * @throws PawlError `PAWL_SHARDS`; nothing was written.
 */
export async function agreed<T extends object>(
  redis: Connection,
  keys: Keys,
  make: (sure: boolean) => Promise<T | 'unsure'>,
): Promise<T> {
  const made = await make(false);
  if (made !== 'unsure') return made;
  const own = keys.shards.length;
  await redis.hsetnx(keys.config, 'shards', own);
  checkShards(keys, await redis.hget(keys.config, 'shards'));
  return (await make(true)) as T;
}

/** @throws PawlError `PAWL_SHARDS` when the prefix has another number than this process works with. */
export function checkShards(keys: Keys, found: unknown): void {
  const own = keys.shards.length;
  if (Number(found) !== own) throw otherNumber(keys.prefix, Number(found), own);
}

function otherNumber(prefix: string, shards: number, own: number): PawlError {
  return new PawlError(
    'PAWL_SHARDS',
    `Prefix ${prefix} has ${shards} shards, ${own} were asked for; nothing was written. Leave the option out, or choose another prefix.`,
  );
}
