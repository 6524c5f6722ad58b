/**
 * The lock of a run: one file in a folder of its own, whose name says who has it.
 *
 *   free ──rename──▶ held.<nonce>.<process> ──rename──▶ free
 *                        │
 *                        └─ the process is dead ──rename──▶ held.<other nonce>.<other process>
 *
 * A rename moves a name that is there one time only: of all who try to take the same name, one succeeds and the others find
 * nothing. The nonce makes each holding a name of its own, so that nobody can take a lock that was meanwhile given back and
 * taken again. Nothing is decided by time: the lock of a living process, frozen or not, is never broken.
 *
 * Crash while holding it: the next process sees that this one is gone, takes the lock, and repairs the run.
 */
import { randomBytes } from 'node:crypto';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../core/errors.ts';
import { hasCode, unlessAbsent } from './disk.ts';
import { isAlive, thisProcess } from './process-identity.ts';

export const freeLock = 'free';

const waitMsMax = 10_000;
const pauseMs = 2;

/** Runs `body` while nobody else does; `missing` when the folder of the lock is gone. */
export async function withLock<T>(folder: string, body: () => Promise<T>): Promise<T | 'missing'> {
  const mine = `held.${randomBytes(6).toString('hex')}.${thisProcess}`;
  if (!(await take(folder, mine))) return 'missing';
  try {
    return await body();
  } finally {
    // The body may have removed the run, and the lock with it.
    await unlessAbsent(rename(join(folder, mine), join(folder, freeLock)));
  }
}

async function take(folder: string, mine: string): Promise<boolean> {
  const until = Date.now() + waitMsMax;
  for (;;) {
    const names = await unlessAbsent(readdir(folder));
    if (names === undefined) return false;
    const [name] = names;
    // While a name changes, a reader may see neither the old nor the new one.
    if (name !== undefined && isFree(name)) {
      try {
        await rename(join(folder, name), join(folder, mine));
        return true;
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error;
        continue;
      }
    }
    if (Date.now() > until) {
      throw new UnavailableError(
        `the lock ${join(folder, name ?? freeLock)} is held for more than ${waitMsMax / 1000} s; rename it to ${freeLock} if its process is gone`,
        'not-applied',
      );
    }
    await sleep(pauseMs * (1 + Math.random()));
  }
}

function isFree(name: string): boolean {
  if (name === freeLock) return true;
  const [, , ...holder] = name.split('.');
  return name.startsWith('held.') && !isAlive(holder.join('.'));
}
