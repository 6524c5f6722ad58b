/**
 * What becomes of the options of ioredis that somebody passes: where Redis is and how to get in is theirs, how calls behave
 * is pawl's.
 *
 * A call must be sent again after a reconnect, wait in the meantime, and have an answer of the shape that is expected. An
 * application's own wishes for these are ignored: they are meant for its own calls. Two cannot be, because pawl would
 * then work elsewhere than it was told to, and are refused.
 */
import type { ClusterOptions, RedisOptions } from 'ioredis';
import { InvalidError } from '../core/errors.ts';

/** ioredis' options with the one field its types want to be definite. */
export type Settings = Omit<RedisOptions, 'replyMapping'> & { readonly replyMapping: 'legacy' };

/** Of every client, those of a cluster's nodes included. Each stands here because another value of it breaks something. */
export const clientSettings = {
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  enableReadyCheck: true,
  autoResendUnfulfilledCommands: true,
  // Deadlines are given for each use (connection.ts): a blocking read must have none.
  commandTimeout: undefined,
  socketTimeout: undefined,
  blockingTimeout: undefined,
  keepAlive: 5_000,
  noDelay: true,
  // Who subscribes does it again after a reconnect (announcements.ts): ioredis would not look whether that worked, and an
  // answer that comes too late would be an unhandled rejection, the end of the process.
  autoResubscribe: false,
  // Protocol 3 lets one connection subscribe and work; its legacy mapping keeps the shapes of replies.
  protocol: 3,
  replyMapping: 'legacy',
  stringNumbers: false,
  // A pipeline that ioredis makes by itself would part a script from what must follow it.
  enableAutoPipelining: false,
  readOnly: false,
  monitor: false,
  reconnectOnError: null,
  himportFieldsets: undefined,
} as const satisfies RedisOptions;

/** Of clients that are no nodes. */
export const singleSettings = {
  ...clientSettings,
  lazyConnect: true,
  // A server that is away does not answer the farewell either.
  disconnectTimeout: 300,
  // News of a failover that come while ioredis is reconnecting end the client for good.
  failoverDetector: false,
  sentinelRetryStrategy: (attempt: number): number => Math.min(attempt * 10, 1000),
} as const satisfies RedisOptions;

export const clusterSettings = {
  lazyConnect: true,
  enableOfflineQueue: true,
  enableReadyCheck: true,
  enableAutoPipelining: false,
  // A replica may not know yet what has been acknowledged.
  scaleReads: 'master',
  // Requests wait out a failover instead of failing in the middle of it.
  maxRedirections: 200,
  retryDelayOnClusterDown: 100,
  retryDelayOnFailover: 100,
  shardedSubscribers: true,
} as const satisfies ClusterOptions;

/** @throws InvalidError naming the option. */
export function checkClientOptions(options: object | undefined): void {
  if (options === undefined) return;
  const { keyPrefix, role, sentinels } = options as RedisOptions;
  if (keyPrefix) {
    throw new InvalidError(
      'redis.keyPrefix',
      'is not for pawl, whose keys have a prefix of their own: leave it out, and pass Pawl.open({ prefix }).',
    );
  }
  if (sentinels && role === 'slave') {
    throw new InvalidError('redis.role', 'must be master: pawl writes, and a replica takes none.');
  }
}

/** A URL and the options in its query, which are to be treated as any other. */
export function splitUrl(url: string): { readonly url: string; readonly options: RedisOptions } {
  const at = url.indexOf('?');
  if (at < 0) return { url, options: {} };
  const { family, ...options } = Object.fromEntries(new URLSearchParams(url.slice(at + 1)));
  return {
    url: url.slice(0, at),
    options: { ...options, ...(family === undefined ? {} : { family: Number(family) }) },
  };
}
