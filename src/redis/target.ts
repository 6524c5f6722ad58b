/**
 * Where Redis is, as text: one URL names any kind of deployment.
 *
 *   redis://[user:password@]host[:port][/db]                              one server, or any node of a Cluster
 *   redis+sentinel://[user:password@]host[:port],host[:port]…/name[/db]   sentinels, and the name of what they watch
 *   redis+cluster://[user:password@]host[:port],host[:port]…              nodes of a Cluster, any of which may be away
 *
 * `rediss` in place of `redis` means TLS.
 */
import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import { InvalidError } from '../core/errors.ts';

export interface ClusterTarget {
  readonly nodes: ClusterNode[];
  readonly options?: ClusterOptions;
}

/** @throws InvalidError for what names no server at all, such as a variable that is not set. */
export function checkTarget(target: unknown): void {
  const isText = typeof target === 'string' && target !== '';
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  if (isText || isObject) return;
  const found = target === '' ? 'an empty text' : target === null ? 'null' : typeof target;
  throw new InvalidError(
    'redis',
    `must be a URL such as redis://127.0.0.1:6379, options of ioredis, or an instance of it; it is ${found}. If it comes from a variable of the environment, that is not set.`,
  );
}

const pattern =
  /^(rediss?)\+(sentinel|cluster):\/\/(?:([^@/]*)@)?([^/@]+)(?:\/([^/]*))?(?:\/(\d+))?$/;

/** What a URL of several hosts means to ioredis; undefined for a URL that ioredis reads by itself. */
export function parseTarget(url: string): RedisOptions | ClusterTarget | undefined {
  if (!/^rediss?\+/.test(url)) return undefined;
  const [, scheme, kind, login = '', list = '', name = '', db] = pattern.exec(url) ?? [];
  // The text is not repeated, because it may hold a password.
  if (kind === undefined || (kind === 'sentinel' && name === '')) {
    throw new InvalidError(
      'redis',
      'must be like redis+sentinel://host:26379,host:26379/name or redis+cluster://host:6379,host:6379.',
    );
  }
  const hosts = list.split(',').map((text) => toHost(text, kind === 'sentinel' ? 26_379 : 6379));
  const [username = '', password = ''] = login.split(':').map(decodeURIComponent);
  const access: RedisOptions = {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(scheme === 'rediss' ? { tls: {} } : {}),
  };
  if (kind === 'cluster') return { nodes: hosts, options: { redisOptions: access } };
  const tls: RedisOptions = scheme === 'rediss' ? { enableTLSForSentinelMode: true } : {};
  const database = db === undefined ? {} : { db: Number(db) };
  return { ...access, ...tls, ...database, sentinels: hosts, name: decodeURIComponent(name) };
}

function toHost(text: string, defaultPort: number): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new InvalidError('redis', 'names a host that cannot be read.');
  return { host, port: Number(port ?? defaultPort) };
}
