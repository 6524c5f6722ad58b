import { Redis } from 'ioredis';
import { freePort, startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';

export interface RedisClusterOptions {
  /** At least 3: Redis Cluster needs a majority. */
  readonly masters?: number;
  /** Replicas of each master. */
  readonly replicas?: 0 | 1;
  readonly config?: Readonly<Record<string, string>>;
  /** Nodes speak TLS with one another, and on a port of its own each; the certificate must be in `config`. */
  readonly tls?: boolean;
}

export interface RedisCluster {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** In the order of `nodes`: masters first, then replicas. */
  readonly servers: readonly RedisServer[];
  /** Where the nodes speak TLS, if they do. */
  readonly tlsPorts: readonly number[];
  stop(): Promise<void>;
}

const slots = 16_384;
const readyMsMax = 30_000;
/** A cluster that forms waits as long as a node may be silent: short while it forms, long enough for two cores later. */
const joiningTimeoutMs = 500;
const nodeTimeoutMs = 5000;

/** Starts a Redis Cluster of private servers; resolves when every node sees it whole. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const masters = options.masters ?? 3;
  const count = masters * (1 + (options.replicas ?? 0));
  const nodes: Node[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(
      nodes.map(async ({ client, server }) => {
        client.disconnect();
        await server.stop();
      }),
    );
  };
  try {
    // One after the other: each takes two free ports, and two searches at once could find the same.
    for (let i = 0; i < count; i++) nodes.push(await startNode(options));
    await join(nodes, masters);
    const timeout = options.config?.['cluster-node-timeout'] ?? String(nodeTimeoutMs);
    for (const { client } of nodes) await client.config('SET', 'cluster-node-timeout', timeout);
  } catch (error) {
    await stop();
    throw error;
  }
  for (const { client } of nodes) client.disconnect();
  return {
    nodes: nodes.map(({ server }) => ({ host: '127.0.0.1', port: server.port })),
    servers: nodes.map(({ server }) => server),
    tlsPorts: nodes.flatMap(({ tlsPort }) => tlsPort ?? []),
    stop,
  };
}

interface Node {
  readonly server: RedisServer;
  readonly busPort: number;
  readonly tlsPort: number | undefined;
  readonly client: Redis;
}

async function startNode({ config, tls }: RedisClusterOptions): Promise<Node> {
  const busPort = await freePort();
  const tlsPort = tls === true ? await freePort() : undefined;
  const server = await startRedisServer({
    config: {
      'cluster-enabled': 'yes',
      // A replica need not wait for others that might want the same transfer.
      'repl-diskless-sync-delay': '0',
      // By default port + 10000, which may be taken or above 65535.
      'cluster-port': String(busPort),
      ...(tlsPort === undefined ? {} : { 'tls-port': String(tlsPort), 'tls-cluster': 'yes' }),
      ...config,
      'cluster-node-timeout': String(joiningTimeoutMs),
    },
  });
  return { server, busPort, tlsPort, client: connect(server) };
}

function connect(server: RedisServer): Redis {
  const client = new Redis(server.port, '127.0.0.1');
  client.on('error', () => {
    // Commands report what goes wrong; the event only has to be listened to.
  });
  return client;
}

async function join(nodes: readonly Node[], masters: number): Promise<void> {
  await Promise.all(
    nodes.map(async ({ client }, i) => {
      // Nodes with the same epoch quarrel about who goes first, which takes time to settle.
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
      if (i >= masters) return;
      const from = Math.floor((i * slots) / masters);
      const to = Math.floor(((i + 1) * slots) / masters) - 1;
      await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    }),
  );
  const [first, ...others] = nodes;
  for (const { server, busPort, tlsPort } of others) {
    const port = tlsPort ?? server.port;
    await first?.client.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
  }
  await everyNode(nodes, 'CLUSTER', 'INFO', `cluster_known_nodes:${nodes.length}\r`);
  const replicas = nodes.slice(masters);
  for (const [i, { client }] of replicas.entries()) {
    const master = await nodes[i]?.client.call('CLUSTER', 'MYID');
    await client.call('CLUSTER', 'REPLICATE', String(master));
  }
  await everyNode(nodes, 'CLUSTER', 'INFO', 'cluster_state:ok');
  await everyNode(replicas, 'INFO', 'replication', 'master_link_status:up');
}

/** Waits until every node's answer to the command holds `text`. */
async function everyNode(
  nodes: readonly Node[],
  command: string,
  argument: string,
  text: string,
): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const answers = await Promise.all(
      nodes.map(async ({ client }) => String(await client.call(command, argument))),
    );
    if (answers.every((answer) => answer.includes(text))) return;
    if (performance.now() - startedAt > readyMsMax) {
      throw new Error(`The cluster did not come to ${text.trim()}:\n${answers.join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
