/**
 * The connection to Redis, with the settings pawl depends on, and the checks at the door: a server that could lose runs
 * by its configuration is refused before the first write.
 *
 * Commands that found no answer are sent again by ioredis after a reconnect. That is kept on, because turning it off would
 * only turn a doubled command into a lost one; every mutating script recognises its repetition by its token.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { PawlError, UnavailableError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { type ClusterTarget, parseTarget } from './target.ts';

export type Connection = Redis | Cluster;

/**
 * Where Redis is: a URL (see target.ts), ioredis options (Sentinel included), cluster nodes, or an instance to copy the
 * settings of.
 */
export type RedisTarget = string | RedisOptions | ClusterTarget | Connection;

export interface ConnectOptions {
  readonly connectMs: number;
  /** How long a call may take before its outcome counts as unknown. */
  readonly callMs: number;
  /** Accept a server that may evict keys. */
  readonly allowEviction: boolean;
  readonly logger: Logger;
}

/** The first try comes at once, so that a blip does not look like a death; later ones back off to about a second. */
function retryDelayMs(attempt: number): number {
  return attempt === 1 ? 5 : Math.min(25 * 2 ** attempt, 1000) + Math.random() * 100;
}

const reviveMs = 100;

const required = {
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  enableReadyCheck: true,
  retryStrategy: retryDelayMs,
  // A replica that was a master until a moment ago: find the new master and send the command again.
  reconnectOnError: (error: Error): boolean | 1 | 2 =>
    error.message.startsWith('READONLY') ? 2 : false,
  keepAlive: 5_000,
  // Protocol 3 lets one connection subscribe and work; its legacy mapping keeps the shapes of replies.
  protocol: 3,
  replyMapping: 'legacy',
} satisfies RedisOptions;

/** ioredis' options with the one field its types want to be definite. */
type Settings = Omit<RedisOptions, 'replyMapping'> & { readonly replyMapping: 'legacy' };

const requiredInCluster = {
  enableOfflineQueue: true,
  clusterRetryStrategy: retryDelayMs,
  // Requests wait out a failover instead of failing in the middle of it.
  maxRedirections: 200,
  retryDelayOnClusterDown: 100,
  retryDelayOnFailover: 100,
  shardedSubscribers: true,
} satisfies ClusterOptions;

/** Settings of one use of a connection. */
type Extra = Pick<
  RedisOptions,
  'commandTimeout' | 'connectionName' | 'reconnectOnError' | 'socketTimeout'
>;

/**
 * A server that is silent for so long although it was asked is given up: one that hangs, or is cut off, keeps its
 * connection, and with it every client, while another has long been promoted.
 */
function silenceMs({ commandTimeout }: Extra): { socketTimeout?: number } {
  return commandTimeout === undefined ? {} : { socketTimeout: commandTimeout };
}

/** Makes an unconnected client; `extra` is for the resume queue, whose blocking reads must not have a deadline. */
export function createConnection(target: RedisTarget, extra: Extra = {}): Connection {
  const settings: Settings = { ...required, lazyConnect: true, ...extra, ...silenceMs(extra) };
  if (typeof target === 'string') {
    const parsed = parseTarget(target);
    return parsed === undefined
      ? revived(new Redis(target, settings))
      : createConnection(parsed, extra);
  }
  if (target instanceof Redis) return revived(target.duplicate(settings));
  if (target instanceof Cluster) {
    const options = { ...target.options, ...requiredInCluster, lazyConnect: true };
    return target.duplicate([], {
      ...options,
      redisOptions: { ...options.redisOptions, ...clusterNodeSettings(extra) },
    });
  }
  if ('nodes' in target) {
    return new Cluster(target.nodes, {
      ...target.options,
      ...requiredInCluster,
      lazyConnect: true,
      redisOptions: { ...target.options?.redisOptions, ...clusterNodeSettings(extra) },
    });
  }
  // Never with `failoverDetector`: news of a failover that comes while ioredis is reconnecting ends the client for good.
  return revived(new Redis({ ...target, ...settings, failoverDetector: false }));
}

/**
 * Connects a client again that has ended although nobody closed it: ioredis gives one up for good, whatever the retry
 * strategy, when it is disconnected in the moment in which it asks the sentinels for the master.
 */
function revived(client: Redis): Redis {
  let isWanted = true;
  const disconnect = client.disconnect.bind(client);
  client.disconnect = (reconnect = false) => {
    if (!reconnect) isWanted = false;
    disconnect(reconnect);
  };
  client.on('end', () => {
    if (!isWanted) return;
    // What goes wrong is an event of the client, too, and the next end comes here again.
    setTimeout(() => void (isWanted && client.connect().catch(() => undefined)), reviveMs);
  });
  return client;
}

/** What holds for each node's connection; ioredis manages reconnection of nodes itself. */
function clusterNodeSettings(extra: Extra): Partial<Settings> & { replyMapping: 'legacy' } {
  const { maxRetriesPerRequest, keepAlive, protocol, replyMapping } = required;
  return { maxRetriesPerRequest, keepAlive, protocol, replyMapping, ...extra, ...silenceMs(extra) };
}

/**
 * Connects and checks the server.
 * @throws UnavailableError when there is no answer within `connectMs`; nothing was written.
 * @throws PawlError `PAWL_REDIS_VERSION`, `PAWL_REDIS_CONFIG`.
 */
export async function connect(
  target: RedisTarget,
  options: ConnectOptions,
): Promise<{ connection: Connection; cluster: boolean; target: RedisTarget }> {
  const connection = createConnection(target, { commandTimeout: options.callMs });
  let lastError: Error | undefined;
  connection.on('error', (error: Error) => {
    if (error.message !== lastError?.message) {
      options.logger.warn({ error: error.message }, 'redis connection failed, trying again');
    }
    lastError = error;
  });
  connection.on('ready', () => {
    lastError = undefined;
  });
  try {
    await ready(connection, options.connectMs, () => lastError);
    const servers = await serverInfos(connection);
    for (const info of servers) checkServer(info, options);
    const clustered = servers.some((info) => info.cluster);
    if (clustered && connection instanceof Redis) {
      const { host = '127.0.0.1', port = 6379, username, password, tls } = connection.options;
      connection.disconnect();
      const redisOptions = {
        username,
        password,
        ...(tls === undefined ? {} : { tls }),
      } as RedisOptions;
      return await connect({ nodes: [{ host, port }], options: { redisOptions } }, options);
    }
    return { connection, cluster: clustered, target };
  } catch (error) {
    connection.disconnect();
    throw error;
  }
}

async function ready(
  connection: Connection,
  connectMs: number,
  lastError: () => Error | undefined,
): Promise<void> {
  if (connection.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new UnavailableError(
          `No Redis answered within ${connectMs} ms. Start one (docker compose up -d), or pass its URL as { redis }`,
          'not-applied',
          lastError(),
        ),
      );
    }, connectMs);
    connection.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
    // The first attempt may fail; the retry strategy goes on, and the timer above ends it.
    connection.connect().catch(() => undefined);
  });
}

interface ServerInfo {
  readonly name: string;
  readonly version: string;
  readonly policy: string;
  readonly cluster: boolean;
}

async function serverInfos(connection: Connection): Promise<ServerInfo[]> {
  const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
  return Promise.all(
    nodes.map(async (node) => {
      const info = await node.info();
      const field = (name: string): string =>
        new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
      return {
        name: `${node.options.host ?? ''}:${node.options.port ?? ''}`,
        version: field('redis_version'),
        policy: field('maxmemory_policy'),
        cluster: field('cluster_enabled') === '1',
      };
    }),
  );
}

function checkServer(info: ServerInfo, options: ConnectOptions): void {
  const [major = 0] = info.version.split('.').map(Number);
  if (major < 7) {
    throw new PawlError(
      'PAWL_REDIS_VERSION',
      `Redis at ${info.name} is ${info.version}; pawl needs 7.0 or newer, or Valkey. Nothing was written.`,
    );
  }
  if (info.policy !== '' && info.policy !== 'noeviction' && !options.allowEviction) {
    throw new PawlError(
      'PAWL_REDIS_CONFIG',
      `Redis at ${info.name} may evict keys (maxmemory-policy ${info.policy}), which loses runs; nothing was written. ` +
        'Run: redis-cli CONFIG SET maxmemory-policy noeviction (or accept it with Pawl.open({ allowEviction: true })).',
    );
  }
}
