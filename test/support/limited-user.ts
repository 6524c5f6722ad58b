/** A private Redis with a user that may do what `pawl doctor --acl` prints, and nothing else. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { compiled } from './child.ts';

const password = 'pw-7Hq2';

export interface LimitedServer {
  readonly server: RedisServer;
  /** Connected as the user that may do everything. */
  readonly admin: Redis;
  /** Makes the user of a prefix, from the printed rules and `more`; returns its URL. */
  allow(prefix: string, more?: readonly string[]): Promise<string>;
  /** What has been refused, as `reason object`. */
  refused(): Promise<string[]>;
  stop(): Promise<void>;
}

export function runCli(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [compiled('src/cli/main.ts'), ...args]);
}

/** Makes the user of a prefix, from the printed rules and `more`. */
export async function allowUser(
  admin: Redis,
  prefix: string,
  more: readonly string[] = [],
): Promise<{ username: string; password: string }> {
  const username = `user-${prefix}`;
  const { stdout } = await runCli(['doctor', '--acl', '--prefix', prefix, '--user', username]);
  const [command = '', ...rules] = stdout.trim().split(' ');
  await admin.call(command, ...rules, ...more, `>${password}`);
  return { username, password };
}

/** What a server has refused, as `reason object`. */
export async function refusedBy(admin: Redis): Promise<string[]> {
  const log = (await admin.acl('LOG')) as string[][];
  return (
    log
      .map((entry) => `${entry[entry.indexOf('reason') + 1]} ${entry[entry.indexOf('object') + 1]}`)
      // ioredis tells its name; Redis 7.0 has no such command, and a refusal does no harm.
      .filter((line) => !/^command client\|(setinfo|)$/i.test(line) && line !== 'command client')
  );
}

export async function startLimitedServer(): Promise<LimitedServer> {
  const server = await startRedisServer();
  const admin = new Redis(server.url);
  return {
    server,
    admin,
    async allow(prefix, more = []) {
      const { username } = await allowUser(admin, prefix, more);
      return server.url.replace('redis://', `redis://${username}:${password}@`);
    },
    refused: () => refusedBy(admin),
    async stop() {
      admin.disconnect();
      await server.stop();
    },
  };
}
