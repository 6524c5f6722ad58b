/** Stores and queues on Redis for the conformance suites. */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { BullResumeQueue } from '../../src/bullmq/resume-queue.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { type Connection, createConnection, type RedisTarget } from '../../src/redis/connection.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import type { RedisStoreOptions } from '../../src/redis/store-options.ts';
import type { OpenedResumeQueue } from '../../src/testing/resume-queue/opened.ts';
import type { OpenedRunStore } from '../../src/testing/run-store/opened.ts';

/** Opens a store in memory, whose time passes by hand. */
export async function openMemoryStore(): Promise<OpenedRunStore> {
  let now = 1_700_000_000_000;
  const store = new MemoryRunStore({ clock: { now: () => now } });
  return {
    store,
    advance: async (ms) => {
      now += ms;
      await turn();
    },
    registerElsewhere: async (worker) => {
      await store.fleet.register(worker);
      return async () => store.disconnect(worker);
    },
    traces: async (run) => ((await store.record(run)) === undefined ? [] : [run]),
    close: () => store.close(),
  };
}

/** Opens a store; `close` removes what it left. `tools`: how the suite itself looks into Redis. */
export async function openRedisStore(
  options: RedisStoreOptions & { readonly prefix: string },
  tools?: RedisTarget,
): Promise<OpenedRunStore> {
  const store = await RedisRunStore.open(options);
  const redis =
    tools === undefined ? store.connectionFor({ blocking: false }) : createConnection(tools);
  await redis.connect();
  return {
    store,
    advance: (ms) => sleep(ms),
    registerElsewhere: async (worker) => {
      const elsewhere = await RedisRunStore.open(options);
      await elsewhere.fleet.register(worker);
      // Ends its connections without a word, as the kernel does for a process that dies.
      return () => elsewhere.close();
    },
    traces: (run) => tracesOf(redis, options.prefix, run),
    close: async () => {
      await removeAll(redis, options.prefix);
      redis.disconnect();
      await store.close();
    },
  };
}

/** Keys with the run's id in their name, and indexes with the id in them. */
async function tracesOf(redis: Connection, prefix: string, run: string): Promise<string[]> {
  const found: string[] = [];
  for await (const [node, keys] of keysOf(redis, prefix)) {
    for (const key of keys) {
      if (key.includes(run)) found.push(key);
      else if ((await membersOf(node, key)).includes(run)) found.push(`${key} has ${run}`);
    }
  }
  return found;
}

async function membersOf(node: Node, key: string): Promise<string[]> {
  switch (await node.type(key)) {
    case 'zset':
      return node.zrange(key, '0', '-1');
    case 'set':
      return node.smembers(key);
    case 'hash':
      return Object.entries(await node.hgetall(key)).flat();
    default:
      return [];
  }
}

type Node = Exclude<Connection, Cluster>;

/** The keys of a prefix, node by node. */
async function* keysOf(
  redis: Connection,
  prefix: string,
): AsyncGenerator<readonly [Node, string[]]> {
  for (const node of redis instanceof Cluster ? redis.nodes('master') : [redis]) {
    let cursor = '0';
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', `{${prefix}*`, 'COUNT', 1000);
      yield [node, keys];
      cursor = next;
    } while (cursor !== '0');
  }
}

/** Opens a queue; `close` removes what it left. */
export async function openBullQueue(
  target: RedisTarget,
  prefix: string,
  tools: RedisTarget = target,
): Promise<OpenedResumeQueue> {
  const redis = createConnection(tools);
  await redis.connect();
  const queue = new BullResumeQueue({
    evaluate: (lua, keys) => redis.eval(lua, keys.length, ...keys),
    connect: ({ blocking }) => createConnection(target, blocking ? {} : { commandTimeout: 15_000 }),
    prefix: `{${prefix}}:bull`,
    logger: silentLogger,
  });
  return {
    queue,
    close: async () => {
      await queue.close();
      await removeAll(redis, prefix);
      redis.disconnect();
    },
  };
}

async function removeAll(redis: Connection, prefix: string): Promise<void> {
  for await (const [node, keys] of keysOf(redis, prefix)) {
    for (const key of keys) await node.unlink(key);
  }
}
