/** What a fault is injected into: a private Redis, workers, and a caller that keeps them busy. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { Pawl } from '../../../src/index.ts';
import { createConnection } from '../../../src/redis/connection.ts';
import { startRedisServer, type RedisServer } from '../../../src/testing/redis-server.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { Driver } from './driver.ts';
import { Fleet } from './fleet.ts';
import type { Random } from './random.ts';
import { Witness } from './witness.ts';

export interface WorldOptions {
  readonly random: Random;
  readonly workers: number;
  /** Redis' promise: after a crash everything is there, or the end of it may be missing. */
  readonly appendfsync: 'always' | 'everysec';
  readonly allowance: () => number;
  readonly deletes: boolean;
  /** There is time for long faults. */
  readonly isLong: boolean;
  readonly say: (line: string) => void;
}

export interface World {
  readonly server: RedisServer;
  readonly prefix: string;
  readonly pawl: Pawl;
  /** A connection past pawl. */
  readonly redis: Redis;
  readonly fleet: Fleet;
  /** The way of each worker to Redis, by slot. */
  readonly proxies: readonly TcpProxy[];
  readonly driver: Driver;
  readonly witness: Witness;
  /** A folder for marks. */
  readonly dir: string;
  readonly isLong: boolean;
  readonly say: (line: string) => void;
  close(): Promise<void>;
}

/** Short, so that a frozen worker is noticed soon. */
export const sessionMs = 1_500;
/** Short, so that calls without an answer are repeated soon. */
const callMs = 1_500;
/** More than innocent runs lose in a row when everybody around them dies, and still few enough to wait for. */
const quarantineAfter = 6;
const activeRuns = 24;

export async function openWorld(options: WorldOptions): Promise<World> {
  const { random, appendfsync, say } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const server = await startRedisServer({ config: { appendfsync } });
    undo.push(() => server.stop());
    const dir = await mkdtemp(join(tmpdir(), 'pawl-matrix-'));
    undo.push(() => rm(dir, { recursive: true, force: true }));
    const redis = createConnection(server.url) as Redis;
    await redis.connect();
    // Commands report what goes wrong.
    redis.on('error', () => undefined);
    undo.push(async () => redis.disconnect());
    const prefix = `matrix-${randomBytes(4).toString('hex')}`;
    const witness = new Witness({ say, remembers: !options.deletes });
    const pawl = await Pawl.open({ redis: server.url, prefix, callMs, logger: false });
    undo.push(() => pawl.close());
    const target = { host: '127.0.0.1', port: server.port };
    const proxies = await Promise.all(
      Array.from({ length: options.workers }, () => startTcpProxy({ target })),
    );
    undo.push(() => Promise.all(proxies.map((proxy) => proxy.close())));
    // Children are deleted by the sweeper, because no caller knows them.
    const keep = options.deletes ? { keepMs: 5_000 } : {};
    const fleet = new Fleet({
      witness,
      say,
      slots: proxies,
      setup: {
        prefix,
        callMs,
        graceMs: 2_000,
        worker: { beatMs: 300, sessionMs, quarantineAfter, concurrency: 20, ...keep },
      },
    });
    undo.push(() => fleet.stop());
    const { allowance, deletes } = options;
    const mayForget = appendfsync === 'everysec';
    const driver = new Driver({
      pawl,
      witness,
      allowance,
      deletes,
      mayForget,
      random: random.fork(),
      active: activeRuns,
    });
    await fleet.start();
    return {
      server,
      prefix,
      pawl,
      redis,
      proxies,
      fleet,
      driver,
      witness,
      dir,
      say,
      close,
      isLong: options.isLong,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
