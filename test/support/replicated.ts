/** A master and its replicas, as private servers. */
import { Redis } from 'ioredis';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';

export interface ReplicatedRedis {
  readonly url: string;
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  stop(): Promise<void>;
}

const syncMsMax = 20_000;

/** Starts them; resolves when every replica has caught up, because one that has not is never promoted. */
export async function startReplicatedRedis(
  replicas: number,
  config: Readonly<Record<string, string>> = {},
): Promise<ReplicatedRedis> {
  const servers: RedisServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    // A replica need not wait for others that might want the same transfer.
    const master = await startRedisServer({
      config: { 'repl-diskless-sync-delay': '0', ...config },
    });
    servers.push(master);
    for (let i = 0; i < replicas; i++) {
      const replicaof = `127.0.0.1 ${master.port}`;
      // One of them may be the next master.
      servers.push(
        await startRedisServer({
          config: { 'repl-diskless-sync-delay': '0', replicaof, ...config },
        }),
      );
    }
    await caughtUp(master, replicas);
    return { url: master.url, master, replicas: servers.slice(1), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Until the first acknowledgement of a replica, up to a second after the transfer, the master sends it nothing. */
export async function caughtUp({ url }: RedisServer, replicas: number): Promise<void> {
  const redis = new Redis(url);
  const until = performance.now() + syncMsMax;
  for (;;) {
    await redis.set('caught-up', '');
    if ((await redis.wait(replicas, 500)) >= replicas) break;
    if (performance.now() > until) throw new Error('The replicas do not catch up.');
  }
  await redis.del('caught-up');
  redis.disconnect();
}
