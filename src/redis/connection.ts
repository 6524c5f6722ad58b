/**
 * The connection to Redis, with the settings pawl depends on, and the checks when it opens: a server that could lose runs
 * by its configuration is refused before the first write.
 *
 * Commands that found no answer are sent again by ioredis after a reconnect. That is kept on, because turning it off would
 * only turn a doubled command into a lost one; every mutating script recognises its repetition by its token.
 */
import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import { InvalidError, PawlError, UnavailableError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import {
  checkClientOptions,
  clientSettings,
  clusterSettings,
  type Settings,
  singleSettings,
  splitUrl,
} from './client-options.ts';
import { refusedConnection, withoutArguments } from './faults.ts';
import { refusedByAll } from './refused-by-all.ts';
import type { LineWatch } from './line-watch.ts';
import { Redial } from './redial.ts';
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
  readonly watch?: LineWatch;
}

/** What one use of a connection wants. */
export interface Use extends Pick<
  RedisOptions,
  'commandTimeout' | 'connectTimeout' | 'socketTimeout'
> {
  /** Finds it when it has died without a word. */
  readonly watch?: LineWatch | undefined;
  /** A call that a read-only server has refused is sent again after a reconnect. Default true. */
  readonly resendsRefused?: boolean;
}

const reviveMs = 100;
/** Nobody should sit before a program for longer than this without a word. */
const silentMs = 2_000;

/** After so long a silence a connection that owes an answer is dropped, whatever others hear (line-watch.ts). */
export function silenceMs(callMs: number): number {
  return Math.ceil(callMs / 3);
}

/**
 * For calls that may take `callMs`. A connection that owes an answer and is silent for a third of it is dropped even when
 * nobody else is answered: the call goes out again on a new one, well within its time.
 */
export function callSettings(callMs: number): Use {
  const ms = silenceMs(callMs);
  return { commandTimeout: callMs, socketTimeout: ms, connectTimeout: ms };
}

/** Longer than BullMQ ever lets a read block. */
const blockedMsMax = 12_000;

/**
 * Makes an unconnected client; `use` says what it is for.
 * @throws InvalidError for a target that is none, or an option that pawl cannot work with.
 */
export function createConnection(target: RedisTarget, use: Use = {}): Connection {
  if (typeof target === 'string') {
    const parsed = parseTarget(target);
    if (parsed !== undefined) return createConnection(parsed, use);
    const { url, options } = splitUrl(checkUrl(target));
    checkClientOptions(options);
    return single((settings) => new Redis(url, { ...options, ...settings }), use);
  }
  const plain = plainTarget(target);
  if (!('nodes' in plain)) {
    checkClientOptions(plain);
    // An instance knows how to make another one of its kind.
    if (target instanceof Redis) return single((settings) => target.duplicate(settings), use);
    return single((settings) => new Redis({ ...plain, ...settings }), use);
  }
  const { nodes, options = {} } = plain;
  checkClientOptions(options);
  checkClientOptions(options.redisOptions);
  const redial = new Redial();
  const cluster = new Cluster(nodes, {
    ...options,
    ...clusterSettings,
    clusterRetryStrategy: () => redial.delayMs(),
    redisOptions: { ...options.redisOptions, ...clientSettings, ...timesOf(use) },
  });
  redial.attach(cluster);
  const { watch } = use;
  cluster.on('+node', (node: Redis) => {
    watch?.add(node, `${node.options.host ?? ''}:${node.options.port ?? ''}`);
    node.once('end', () => watch?.remove(node));
  });
  return cluster;
}

/** The settings in a target. An instance may be of another copy of ioredis. */
function plainTarget(target: Exclude<RedisTarget, string>): RedisOptions | ClusterTarget {
  if (!('duplicate' in target)) return target;
  const { isCluster, startupNodes, options } = target as unknown as {
    readonly isCluster: boolean;
    readonly startupNodes: ClusterTarget['nodes'];
    readonly options: object;
  };
  return isCluster ? { nodes: startupNodes, options } : options;
}

/** A client of one server, or of what sentinels watch, that comes back until it is disconnected. */
function single(make: (settings: Settings) => Redis, use: Use): Redis {
  const redial = new Redial({ resendsRefused: use.resendsRefused ?? true });
  const client = make({ ...singleSettings, ...redial.settings, ...timesOf(use) });
  redial.attach(client);
  use.watch?.add(client);
  let isWanted = true;
  let timer: NodeJS.Timeout | undefined;
  const letGo = (): void => {
    isWanted = false;
    clearTimeout(timer);
    use.watch?.remove(client);
  };
  const disconnect = client.disconnect.bind(client);
  client.disconnect = (reconnect = false) => {
    if (reconnect) {
      // Each of many calls that a read-only server refuses would have it closed once more.
      if (!client.stream.writableEnded) disconnect(true);
      return;
    }
    letGo();
    // A timer that waits for a connection to close that has closed would keep the process.
    if (client.status === 'end') return;
    const { status } = client;
    disconnect();
    if (status !== 'ready') endNow(client, status === 'reconnecting');
  };
  const quit = client.quit.bind(client);
  client.quit = () => {
    letGo();
    return quit();
  };
  // ioredis gives a client up for good, whatever the retry strategy, when it is disconnected in the moment in which it asks
  // the sentinels for the master.
  client.on('end', () => {
    if (!isWanted) return;
    // What goes wrong is an event of the client, too, and the next end comes here again.
    timer = setTimeout(
      () => {
        client.connect().catch(() => undefined);
      },
      Math.max(reviveMs, redial.delayMs()),
    );
  });
  return client;
}

/**
 * ioredis forgets the calls of a client that is let go before it is connected, and says of one that is between two tries
 * not even that it has ended: whoever waits for either would keep the process. Its socket is destroyed with the calls: an
 * answer that still came would find no call, and ioredis makes an error event of that, which nobody may listen to.
 */
function endNow(client: Redis, isBetweenTries: boolean): void {
  type Queue = Redis['commandQueue'];
  const inside = client as unknown as {
    readonly stream?: Redis['stream'];
    readonly offlineQueue: Queue;
    readonly prevCommandQueue?: Queue | null;
    setStatus(status: 'end'): void;
  };
  inside.stream?.destroy();
  if (isBetweenTries) inside.setStatus('end');
  for (const queue of [client.commandQueue, inside.prevCommandQueue, inside.offlineQueue]) {
    for (let item = queue?.shift(); item !== undefined; item = queue?.shift()) {
      item.command.reject(new Error('Connection is closed.'));
    }
  }
}

function timesOf({ commandTimeout, connectTimeout, socketTimeout }: Use): Partial<Settings> {
  return {
    commandTimeout,
    socketTimeout,
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
  };
}

/**
 * For a consumer of the resume queue: no call of it has a deadline. BullMQ makes copies of it for its blocking reads, which
 * are silent for up to ten seconds by design; only those are given more patience.
 */
export function createConsumerConnection(target: RedisTarget, use: Use): Connection {
  const { socketTimeout = 0 } = use;
  const patient: Use = {
    ...use,
    commandTimeout: undefined,
    socketTimeout: Math.max(socketTimeout, blockedMsMax),
  };
  const connection = createConnection(target, patient);
  // Nodes of a cluster share their settings, so there all are as patient as those that block.
  if (connection instanceof Cluster) return connection;
  connection.options.socketTimeout = socketTimeout;
  const { options } = connection;
  const copies = new Set<Redis>();
  connection.duplicate = (override?: Partial<RedisOptions>) => {
    const make = (settings: Settings): Redis => new Redis({ ...options, ...override, ...settings });
    const copy = answeredWhenCut(single(make, patient));
    copies.add(copy);
    return copy;
  };
  // BullMQ would let them go only after an answer.
  const disconnect = connection.disconnect.bind(connection);
  connection.disconnect = (reconnect) => {
    disconnect(reconnect);
    if (reconnect !== true) for (const copy of copies) copy.disconnect();
  };
  return connection;
}

/**
 * A blocking read that loses its connection comes back with nothing, as after its time. What it should have brought may be
 * lost, so whoever reads must look for itself; sent again, it would wait for the next thing to come.
 */
function answeredWhenCut(client: Redis): Redis {
  client.on('close', () => {
    const { commandQueue } = client;
    const unanswered = commandQueue.toArray();
    commandQueue.clear();
    for (const item of unanswered) {
      const { command } = item;
      if (Command.checkFlag('BLOCKING_COMMANDS', command.name)) command.resolve(null);
      else commandQueue.push(item);
    }
  });
  return client;
}

/** @throws InvalidError, which does not repeat the URL: there may be a password in it. */
function checkUrl(url: string): string {
  // The path of a socket, or a port, will do too.
  const isUrl = !url.includes('://') || (/^rediss?:/i.test(url) && URL.canParse(url));
  if (isUrl) return url;
  throw new InvalidError('redis', 'is not a URL like redis://user:password@host:6379/0.');
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
  const { watch } = options;
  const connection = createConnection(target, { ...callSettings(options.callMs), watch });
  let lastError: Error | undefined;
  let isOpen = false;
  connection.on('error', (error: Error) => {
    if (error.message !== lastError?.message) {
      // Whoever opens is told after a while, and once.
      const say = isOpen ? 'warn' : 'debug';
      options.logger[say]({ error: error.message }, 'redis connection failed, trying again');
    }
    lastError = error;
  });
  connection.on('ready', () => {
    lastError = undefined;
  });
  try {
    await ready(connection, options, () => lastError);
    isOpen = true;
    const infos = await serverInfos(connection);
    const servers = infos.filter((info) => info !== undefined);
    const hidesInfo = servers.length < infos.length;
    if (hidesInfo) {
      options.logger.warn(
        {},
        'redis refuses INFO to this user: its version and its eviction policy are not checked. Dead workers are noticed when their sessions end (allow it with +info)',
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
  { connectMs, logger }: Pick<ConnectOptions, 'connectMs' | 'logger'>,
  lastError: () => Error | undefined,
): Promise<void> {
  if (connection.status === 'ready') return;
  const place = placeOf(connection);
  const impatient = setTimeout(() => {
    const why = lastError()?.message;
    logger.warn(why === undefined ? {} : { error: why }, `waiting for Redis at ${place}`);
  }, silentMs);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(noAnswer(place, connectMs, withoutArguments(lastError())));
    }, connectMs);
    const giveUp = (reason: Error | undefined): void => {
      if (reason === undefined) return;
      clearTimeout(timer);
      connection.off('error', refused);
      reject(reason);
    };
    const refused = (failure: Error): void => {
      const reason = refusedConnection(failure);
      if (reason === undefined && connection instanceof Cluster) {
        refusedByAll(connection).then(giveUp, giveUp);
      } else giveUp(reason);
    };
    connection.on('error', refused);
    connection.once('ready', () => {
      clearTimeout(timer);
      connection.off('error', refused);
      resolve();
    });
    // The first attempt may fail; the retry strategy goes on, and the timer above ends it.
    connection.connect().catch(() => undefined);
  }).finally(() => clearTimeout(impatient));
}

function noAnswer(place: string, connectMs: number, cause: unknown): UnavailableError {
  const hint = 'start one there, or name another with `redis` of Pawl.open, REDIS_URL or --redis';
  const what = `No Redis answered at ${place} within ${connectMs} ms (${hint})`;
  return new UnavailableError(what, 'not-applied', cause);
}

/** Where a client looks for Redis, as people write it; nothing of it is secret. */
function placeOf(connection: Connection): string {
  if (connection instanceof Cluster) {
    return listed('cluster', nodesOf(connection));
  }
  const { path, host = '127.0.0.1', port = 6379, sentinels, tls } = connection.options;
  if (sentinels !== null && sentinels !== undefined) return listed('sentinel', sentinels);
  if (path !== undefined) return path;
  return `${tls === undefined ? 'redis' : 'rediss'}://${host}:${port}`;
}

type Place = { readonly host?: string | undefined; readonly port?: number | undefined };

function listed(kind: string, places: readonly Place[]): string {
  const hosts = places.map(({ host = '127.0.0.1', port = 6379 }) => `${host}:${port}`);
  return `redis+${kind}://${hosts.join(',')}`;
}

/** As they were given: in a list of its own that its types do not show. */
function nodesOf(cluster: Cluster): readonly Place[] {
  const { startupNodes } = cluster as unknown as { readonly startupNodes: readonly unknown[] };
  return startupNodes.map((node) => {
    if (typeof node === 'object' && node !== null) return node;
    if (typeof node === 'number') return { port: node };
    const url = URL.canParse(String(node)) ? new URL(String(node)) : undefined;
    return { host: url?.hostname, port: url?.port ? Number(url.port) : undefined };
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
