/**
 * Finds a Redis for tests, a demo or a first try, whatever the machine has. In this order:
 *
 *   1. the one named by `url`, PAWL_REDIS_URL or REDIS_URL
 *   2. a private process of the server named by PAWL_REDIS_SERVER, or of `redis-server` or `valkey-server` on the PATH
 *   3. a container, by the optional package `testcontainers`
 *   4. with `install`, as root on Debian or Ubuntu: apt-get install, then 2
 *
 * What it starts is gone when this process is gone. PAWL_TEST_REDIS=docker goes to 3 at once, unless a URL is given.
 */
import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { callback, flag, oneOf, optionsOf, objectOf, text } from '../core/option-rules.ts';
import { waitForRedis } from './ping.ts';
import { startRedisContainer } from './redis-docker.ts';
import { findRedisProgram, startRedisServer } from './redis-server.ts';

/** Where a Redis may come from. Default: the environment, then a program on the PATH, then Docker. */
export interface ProvideRedisOptions {
  /** A Redis that runs already. */
  readonly url?: string;
  /** Allows to install Redis by apt-get, as root on Debian or Ubuntu. Off by default. */
  readonly install?: boolean;
  /** `only` insists on a container, `never` rules it out. */
  readonly docker?: 'auto' | 'only' | 'never';
  /** Settings for a Redis that is started here. */
  readonly config?: Readonly<Record<string, string>>;
  /** Is told, in one line each, what was found, started or installed. */
  readonly log?: (line: string) => void;
}

/** A Redis that answers, and how to give it back. */
export interface ProvidedRedis {
  /** A URL for `Pawl.open`. */
  readonly url: string;
  /** Whether it ran already, was started as a process, or was started in a container. */
  readonly origin: 'environment' | 'process' | 'docker';
  /** Of a server that was started as a process. */
  readonly pid?: number;
  /** Ends what was started here; leaves a Redis alone that ran before. */
  stop(): Promise<void>;
}

/** A Redis named by the environment must answer within this time. */
const answerMsMax = 5000;

const checkOptions = optionsOf<ProvideRedisOptions>({
  url: text,
  install: flag,
  docker: oneOf('auto', 'only', 'never'),
  config: objectOf(text),
  log: callback,
});

/** Finds or starts a Redis; resolves when it answers. Rejects with what to install when there is no way to one. */
export async function provideRedis(options: ProvideRedisOptions = {}): Promise<ProvidedRedis> {
  checkOptions(options, 'provideRedis options');
  const log = options.log ?? (() => {});
  const config = options.config ?? {};
  // What the caller asks for by name comes before what the environment asks for.
  const leftOpen = options.url === undefined && options.docker === undefined;
  const onlyDocker =
    options.docker === 'only' || (leftOpen && process.env['PAWL_TEST_REDIS'] === 'docker');
  if (!onlyDocker) {
    const named = await namedRedis(options.url, log);
    if (named !== undefined) return named;
    if ((await findRedisProgram()) !== undefined) return processRedis(config, log);
  }
  let dockerProblem = 'not tried';
  if (options.docker !== 'never') {
    try {
      const container = await startRedisContainer(config);
      log(`Started Redis in a container at ${container.url}`);
      return { url: container.url, origin: 'docker', stop: container.stop };
    } catch (error) {
      dockerProblem = error instanceof Error ? error.message : String(error);
      if (onlyDocker) {
        throw new Error(`Redis was to run in Docker: ${dockerProblem}`, { cause: error });
      }
    }
  }
  if (options.install === true && (await installRedis(log))) return processRedis(config, log);
  throw new Error(
    `No Redis was found: PAWL_REDIS_URL and REDIS_URL are not set, there is no redis-server on the PATH,
and no container (${dockerProblem}). Install one, or start one:
  macOS           brew install redis
  Debian, Ubuntu  sudo apt-get install -y redis-server
  Docker          docker compose up -d --wait, then set PAWL_REDIS_URL=redis://127.0.0.1:6379`,
  );
}

async function namedRedis(
  url: string | undefined,
  log: (line: string) => void,
): Promise<ProvidedRedis | undefined> {
  for (const [source, value] of [
    ['the option url', url],
    ['PAWL_REDIS_URL', process.env['PAWL_REDIS_URL']],
    ['REDIS_URL', process.env['REDIS_URL']],
  ] as const) {
    if (value === undefined || value === '') continue;
    if (/^rediss?\+(cluster|sentinel):/.test(value)) {
      // Several hosts, of which some may be away: the client finds out.
      log(`Using the servers named by ${source}`);
      return { url: value, origin: 'environment', stop: async () => {} };
    }
    const { protocol, hostname, port } = parseUrl(value, source);
    // Over TLS the client's own first error is as clear as ours could be.
    if (protocol === 'redis:') {
      const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
      await waitForRedis(address, answerMsMax).catch((cause: unknown) => {
        throw new Error(`No Redis answers at ${hostname}:${port || 6379}, named by ${source}.`, {
          cause,
        });
      });
    }
    log(`Using the Redis at ${hostname}:${port || 6379}, named by ${source}`);
    return { url: value, origin: 'environment', stop: async () => {} };
  }
  return undefined;
}

function parseUrl(value: string, source: string): URL {
  try {
    return new URL(value);
  } catch (cause) {
    // Without the value: it may hold a password.
    throw new Error(`${source} is not a URL; write it as redis://127.0.0.1:6379.`, { cause });
  }
}

async function processRedis(
  config: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Promise<ProvidedRedis> {
  const server = await startRedisServer({ config });
  log(`Started a private Redis at ${server.url} (process ${server.pid})`);
  return { url: server.url, origin: 'process', pid: server.pid, stop: () => server.stop() };
}

/** True when Redis was installed; false when this is not the machine or the user for that. */
async function installRedis(log: (line: string) => void): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  try {
    await access('/usr/bin/apt-get');
  } catch {
    return false;
  }
  log('Installing Redis: apt-get install -y redis-server');
  const install = ['install', '-y', '--no-install-recommends', 'redis-server'];
  if (await aptGet(install, log)) return true;
  // The package lists of a fresh machine are empty or old.
  return (await aptGet(['update'], log)) && (await aptGet(install, log));
}

function aptGet(args: readonly string[], log: (line: string) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('apt-get', args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      // RUNLEVEL keeps the package from starting a server of its own on 6379.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    });
    createInterface(child.stdout).on('line', log);
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
