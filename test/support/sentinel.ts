/** A master, two replicas and three sentinels, as private servers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findRedisProgram, freePort, type RedisServer } from '../../src/testing/redis-server.ts';
import { guardExit } from '../../src/testing/guard.ts';
import { startReplicatedRedis } from './replicated.ts';

export interface SentinelSetup {
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly name: string;
  /** The sentinels and the name as one URL, as Pawl.open takes it. */
  readonly url: string;
  /** The first is the master, until it is killed. */
  readonly servers: readonly RedisServer[];
  stop(): Promise<void>;
}

export interface SentinelOptions {
  readonly replicas?: number;
  /** How long the master may be silent. */
  readonly downAfterMs?: number;
  readonly config?: Readonly<Record<string, string>>;
}

const name = 'pawl-test';
const readyMsMax = 20_000;

/** Starts all of them; resolves when each sentinel knows the others and all replicas. */
export async function startSentinels(options: SentinelOptions = {}): Promise<SentinelSetup> {
  const { replicas = 2, downAfterMs = 500, config = {} } = options;
  const redis = await startReplicatedRedis(replicas, config);
  const started: { readonly port: number; stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((sentinel) => sentinel.stop()));
    await redis.stop();
  };
  try {
    for (let i = 0; i < 3; i++) started.push(await startSentinel(redis.master.port, downAfterMs));
    for (const { port } of started) await knowsAll(port, { sentinels: 2, replicas });
  } catch (error) {
    await stop();
    throw error;
  }
  const sentinels = started.map(({ port }) => ({ host: '127.0.0.1', port }));
  const hosts = sentinels.map(({ host, port }) => `${host}:${port}`).join(',');
  return {
    sentinels,
    name,
    stop,
    url: `redis+sentinel://${hosts}/${name}`,
    servers: [redis.master, ...redis.replicas],
  };
}

async function startSentinel(
  master: number,
  downAfterMs: number,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'pawl-sentinel-'));
  const file = join(dir, 'sentinel.conf');
  await writeFile(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${dir}`,
      'logfile sentinel.log',
      `sentinel monitor ${name} 127.0.0.1 ${master} 2`,
      `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
      `sentinel failover-timeout ${name} 5000`,
      '',
    ].join('\n'),
  );
  const program = await findRedisProgram();
  if (program === undefined) throw new Error('There is no redis-server on the PATH.');
  const child = spawn(program, [file, '--sentinel'], { stdio: 'ignore' });
  child.unref();
  const guard = guardExit('[ -n "$line" ] && kill -9 "$line"; rm -rf "$1"', [dir]);
  if (child.pid !== undefined) guard.tell(String(child.pid));
  const gone = once(child, 'exit');
  return {
    port,
    stop: async () => {
      child.ref();
      child.kill('SIGKILL');
      await gone;
      guard.dismiss();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function knowsAll(
  port: number,
  expected: { readonly sentinels: number; readonly replicas: number },
): Promise<void> {
  const redis = new Redis(port, '127.0.0.1', {
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
  });
  redis.on('error', () => {
    // It is still starting.
  });
  const until = performance.now() + readyMsMax;
  for (;;) {
    const fields = (await redis.call('SENTINEL', 'MASTER', name)) as string[];
    const count = (field: string): number => Number(fields[fields.indexOf(field) + 1]);
    const sentinels = count('num-other-sentinels');
    if (sentinels === expected.sentinels && count('num-slaves') === expected.replicas) break;
    if (performance.now() > until) throw new Error('The sentinels do not find one another.');
    await sleep(50);
  }
  redis.disconnect();
}
