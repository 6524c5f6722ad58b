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
import { checked, needed } from '../core/option-rules.ts';

export interface ClusterTarget {
  readonly nodes: ClusterNode[];
  readonly options?: ClusterOptions;
}

const example = 'redis://127.0.0.1:6379';

/** An option `redis` that was given. */
export const givenTargetRule = checked(
  `a URL such as ${example}, options of ioredis, { nodes }, or a client`,
  (value) => {
    if (typeof value === 'string') return value !== '';
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  },
);

const passIt = `Pass where Redis is, such as { redis: '${example}' }`;
const unset = 'a variable that is not set is undefined.';

/** The option `redis` of whatever connects. */
export const targetRule = needed(givenTargetRule, `${passIt}; ${unset}`);

/** Where pawl looks for the address of Redis in the environment; the first that is set is taken. */
const redisVariables = ['PAWL_REDIS_URL', 'REDIS_URL'] as const;

/**
 * The target that was given, else the URL in the environment. One that was given as undefined is a mistake: the environment
 * may name quite another Redis.
 * @throws InvalidError when there is none.
 */
export function targetOf<Target>(
  given: { readonly redis?: Target },
  env: Readonly<Record<string, string | undefined>>,
): Target | string {
  const { redis } = given;
  if (redis !== undefined) return redis;
  const field = 'open options.redis';
  if ('redis' in given) throw new InvalidError(field, `is missing. ${passIt}; ${unset}`);
  const url = redisVariables
    .map((name) => env[name])
    .find((text) => text !== undefined && text !== '');
  if (url !== undefined) return url;
  throw new InvalidError(field, `is missing. ${passIt}, or set ${redisVariables.join(' or ')}.`);
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
