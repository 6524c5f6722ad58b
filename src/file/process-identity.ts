/**
 * Which process somebody is, so that what a dead one left behind is known as such.
 *
 *   <pid>.<start>.<host>      start: when the process began, in ticks since the boot; 0 where there is no /proc
 *
 * A number alone would not do: numbers are given out again. A process of another host (a container with a host name of its
 * own is one) counts as alive, because nobody here can know.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { hasCode } from './disk.ts';

const host = hostname().replaceAll(/[^A-Za-z0-9_-]/g, '_') || 'localhost';

export const thisProcess = `${process.pid}.${startOf(process.pid) ?? 0}.${host}`;

export function isAlive(identity: string): boolean {
  const [pid = '', start = '', itsHost = ''] = identity.split('.');
  if (itsHost !== host || !/^\d+$/.test(pid)) return true;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
  return start === '0' || startOf(Number(pid)) === start;
}

/** Undefined when the process is gone, or dead and not yet buried; 0 where that cannot be seen. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch (error) {
    return hasCode(error, 'ENOENT', 'ESRCH') && pid !== process.pid ? undefined : '0';
  }
}
