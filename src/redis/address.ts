/** Where Redis is, for people: hosts and ports as they stand in messages and on pages, never a login. */
import { Cluster, type RedisOptions } from 'ioredis';
import type { Connection } from './connection.ts';

const shownMax = 3;

/** Of a connection that is open: `127.0.0.1:6379`, a few nodes of a cluster, or a name with the sentinels that know it. */
export function addressOf(connection: Connection): string {
  if (connection instanceof Cluster) {
    return few(connection.nodes('all').map(({ options }) => hostOf(options)));
  }
  const { sentinels, name, path, ...rest } = connection.options;
  if (sentinels !== undefined && sentinels !== null && sentinels.length > 0) {
    return `${name ?? 'master'} by ${few(sentinels.map(hostOf))}`;
  }
  return path ?? hostOf(rest);
}

function hostOf({ host, port }: Partial<Pick<RedisOptions, 'host' | 'port'>>): string {
  const name = host ?? '127.0.0.1';
  return `${name.includes(':') ? `[${name}]` : name}:${port ?? '?'}`;
}

function few(all: readonly string[]): string {
  const shown = all.slice(0, shownMax).join(', ');
  return all.length > shownMax ? `${shown} and ${all.length - shownMax} more` : shown;
}
