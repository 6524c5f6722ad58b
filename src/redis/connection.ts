/**
 * The connection to Redis, with the settings pawl depends on, and the checks at the door: a server that could lose runs
 * by its configuration is refused before the first write.
 *
 * Commands that found no answer are sent again by ioredis after a reconnect. That is kept on, because turning it off would
 * only turn a doubled command into a lost one; every mutating script recognises its repetition by its token.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { InvalidError, PawlError, UnavailableError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { refusedConnection, withoutArguments } from './faults.ts';
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
  // Who subscribes does it again after a reconnect (announcements.ts): ioredis would not look whether that worked, and an
  // answer that comes too late would be an unhandled rejection, the end of the process.
  autoResubscribe: false,
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
  'commandTimeout' | 'connectTimeout' | 'reconnectOnError' | 'socketTimeout'
>;

/**
 * For calls that may take `callMs`. A connection that owes an answer and is silent for a third of it is dead, even if
 * nobody has said so (the other host vanished, a NAT forgot it): the call goes out again on a new one, well within its
 * time. Without this a worker would stay deaf until the kernel gives up, a quarter of an hour later.
 */
export function callSettings(callMs: number): Extra {
  const silenceMs = Math.ceil(callMs / 3);
  return { commandTimeout: callMs, socketTimeout: silenceMs, connectTimeout: silenceMs };
}

/** Longer than BullMQ ever lets a read block. */
const blockedMsMax = 12_000;

/** Makes an unconnected client; `extra` says what it is for. */
export function createConnection(target: RedisTarget, extra: Extra = {}): Connection {
  const settings: Settings = { ...required, lazyConnect: true, ...extra };
  if (typeof target === 'string') {
    const parsed = parseTarget(target);
    return parsed === undefined
      ? revived(new Redis(checkUrl(target), settings))
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
    setTimeout(() => {
      if (isWanted) client.connect().catch(() => undefined);
    }, reviveMs);
  });
  return client;
}

/**
 * For a consumer of the resume queue: no call of it has a deadline. BullMQ makes copies of it for its blocking reads, which
 * are silent for up to ten seconds by design; only those are given more patience.
 */
export function createConsumerConnection(target: RedisTarget, callMs: number): Connection {
  const { socketTimeout = 0, connectTimeout } = callSettings(callMs);
  const patient = { socketTimeout: Math.max(socketTimeout, blockedMsMax), connectTimeout };
  const connection = createConnection(target, patient);
  // Nodes of a cluster share their settings, so there all are as patient as those that block.
  if (connection instanceof Cluster) return connection;
  connection.options.socketTimeout = socketTimeout;
  const duplicate = connection.duplicate.bind(connection);
  connection.duplicate = (override) => revived(duplicate({ ...override, ...patient }));
  return connection;
}

/** @throws InvalidError, which does not repeat the URL: there may be a password in it. */
function checkUrl(url: string): string {
  // The path of a socket, or a port, will do too.
  const isUrl = !url.includes('://') || (/^rediss?:/i.test(url) && URL.canParse(url));
  if (isUrl) return url;
  throw new InvalidError('redis', 'is not a URL like redis://user:password@host:6379/0.');
}

/** What holds for each node's connection; ioredis manages reconnection of nodes itself. */
function clusterNodeSettings(extra: Extra): Partial<Settings> & { replyMapping: 'legacy' } {
  const { maxRetriesPerRequest, keepAlive, protocol, replyMapping } = required;
  return { maxRetriesPerRequest, keepAlive, protocol, replyMapping, ...extra };
}

export interface Connected {
  readonly connection: Connection;
  readonly cluster: boolean;
  readonly target: RedisTarget;
  /** A server refuses INFO to this user. */
  readonly hidesInfo: boolean;
}

/**
 * Connects and checks the server.
 * @throws UnavailableError when there is no answer within `connectMs`; nothing was written.
 * @throws PawlError `PAWL_REDIS_VERSION`, `PAWL_REDIS_CONFIG`.
 */
export async function connect(target: RedisTarget, options: ConnectOptions): Promise<Connected> {
  const connection = createConnection(target, callSettings(options.callMs));
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
    const infos = await serverInfos(connection);
    const servers = infos.filter((info) => info !== undefined);
    const hidesInfo = servers.length < infos.length;
    if (hidesInfo) {
      options.logger.warn(
        {},
        'redis refuses INFO to this user: its version and its eviction policy are not checked, and dead workers are noticed when their sessions end (allow it with +info)',
      );
    }
    for (const info of servers) checkServer(info, options);
    const clustered = connection instanceof Cluster || servers.some((info) => info.cluster);
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
    return { connection, cluster: clustered, target, hidesInfo };
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
          withoutArguments(lastError()),
        ),
      );
    }, connectMs);
    const refused = (error: Error): void => {
      const reason = refusedConnection(error);
      if (reason === undefined) return;
      clearTimeout(timer);
      connection.off('error', refused);
      reject(reason);
    };
    connection.on('error', refused);
    connection.once('ready', () => {
      clearTimeout(timer);
      connection.off('error', refused);
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

/** Undefined for a server that refuses to tell. */
async function serverInfos(connection: Connection): Promise<(ServerInfo | undefined)[]> {
  const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
  return Promise.all(
    nodes.map(async (node) => {
      const info = await node.info().catch(whenAllowed);
      if (info === undefined) return undefined;
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

function whenAllowed(error: Error): undefined {
  if (!error.message.startsWith('NOPERM')) throw error;
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
