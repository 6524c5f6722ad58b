// The server that the machine has, and what a server says of itself.
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Unavailable } from './catalogue.mjs';

/** The `redis-server` or `valkey-server` on the PATH. */
export function installed() {
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not in this folder: look in the next.
      }
    }
  }
  throw new Unavailable('There is no redis-server and no valkey-server on the PATH.');
}

export function versionOf(binary) {
  const line = execFileSync(binary, ['--version'], { encoding: 'utf8' });
  return `${line.split(' ')[0]} ${/ v=(\S+)/.exec(line)?.[1]}`;
}
