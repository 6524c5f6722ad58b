/**
 * Private Redis servers for tests and demos.
 *
 * Each is a child process on a loopback port of its own with a data folder of its own. It is set up the way pawl wants
 * Redis to be: an append-only file, flushed every second, and nothing evicted. When the process that started it ends, in
 * whatever way, server and folder go too.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { flag, optionsOf, objectOf, text, wholeNumber } from '../core/option-rules.ts';
import { guardExit, type ExitGuard } from './guard.ts';
import { redisProcessId, waitForRedis } from './ping.ts';

/** How the server is started. */
export interface RedisServerOptions {
  /** A port that must be used; by default a free one. */
  readonly port?: number;
  /** A data folder, which is then never removed; by default a fresh one that goes with the server. */
  readonly dir?: string;
  /** Lines of redis.conf that are added to, or replace, those below. */
  readonly config?: Readonly<Record<string, string>>;
  /** Keeps a fresh data folder after the server has stopped. */
  readonly keepDir?: boolean;
}

/** A private `redis-server`, which ends with this process. */
export interface RedisServer {
  /** A URL for `Pawl.open`. */
  readonly url: string;
  /** The port that it listens on, at 127.0.0.1. */
  readonly port: number;
  /** Of the process that runs now; another one after `restart`. */
  readonly pid: number;
  /** The folder with its data and its settings. */
  readonly dir: string;
  /** Shuts the server down and removes its folder. */
  stop(): Promise<void>;
  /** Ends the server by SIGKILL, as a crash would: what was not in the append-only file is gone. */
  kill(): Promise<void>;
  /** Starts the server again on the same port and folder; shuts it down first if it runs. */
  restart(): Promise<void>;
}

/** What every Redis that pawl's tests start is told. */
export const redisDefaults: Readonly<Record<string, string>> = {
  appendonly: 'yes',
  appendfsync: 'everysec',
  save: '',
  'maxmemory-policy': 'noeviction',
};

/** How long a server may take until it answers, and until it is gone. */
const startMsMax = 20_000;
const stopMsMax = 10_000;
/** Another process may take a free port before Redis does. */
const portAttempts = 5;

const checkOptions = optionsOf<RedisServerOptions>({
  port: wholeNumber(1, 65_535),
  dir: text,
  config: objectOf(text),
  keepDir: flag,
});

/** Starts a private Redis; resolves when it answers. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  checkOptions(options, 'redis server options');
  const program = await findRedisProgram();
  if (program === undefined) {
    throw new Error(
      'There is no redis-server and no valkey-server on the PATH; install one, or name one by PAWL_REDIS_SERVER.',
    );
  }
  for (let attempt = 1; ; attempt++) {
    const server = new ServerProcess(program, {
      port: options.port ?? (await freePort()),
      dir: options.dir ?? (await mkdtemp(join(tmpdir(), 'pawl-redis-'))),
      removeDir: options.dir === undefined && options.keepDir !== true,
      config: options.config ?? {},
    });
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      const taken = error instanceof Error && error.message.includes('already in use');
      if (!taken || options.port !== undefined || attempt === portAttempts) throw error;
    }
  }
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The binary that PAWL_REDIS_SERVER names; without it, the first `redis-server` or `valkey-server` on the PATH. */
export async function findRedisProgram(): Promise<string | undefined> {
  const named = process.env['PAWL_REDIS_SERVER'];
  if (named !== undefined && named !== '') {
    if (await isProgram(named)) return named;
    throw new Error(
      `PAWL_REDIS_SERVER names ${named}, which is no program; give it the path of a redis-server or valkey-server.`,
    );
  }
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (await isProgram(path)) return path;
    }
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

interface ServerSetup {
  readonly port: number;
  readonly dir: string;
  readonly removeDir: boolean;
  readonly config: Readonly<Record<string, string>>;
}

class ServerProcess implements RedisServer {
  readonly port: number;
  readonly dir: string;
  readonly url: string;
  readonly #program: string;
  readonly #setup: ServerSetup;
  readonly #guard: ExitGuard;
  #process: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(program: string, setup: ServerSetup) {
    this.#program = program;
    this.#setup = setup;
    this.port = setup.port;
    this.dir = setup.dir;
    const password = setup.config['requirepass'];
    const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    const remove = setup.removeDir ? '; rm -rf "$1"' : '';
    this.#guard = guardExit(`[ -n "$line" ] && kill -9 "$line"${remove}`, [setup.dir]);
    this.url = `redis://${login}127.0.0.1:${setup.port}`;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('This Redis server does not run.');
    return pid;
  }

  async start(): Promise<void> {
    await mkdir(this.dir, { recursive: true });
    const logFile = join(this.dir, 'redis.log');
    const confFile = join(this.dir, 'redis.conf');
    await writeFile(confFile, this.#conf());
    // A file, not a pipe: a server that waits for the full pipe of a frozen test would look hung.
    const log = await open(logFile, 'w');
    const child = spawn(this.#program, [confFile], { stdio: ['ignore', log.fd, log.fd] });
    await log.close();
    child.unref();
    this.#process = child;
    const gone = new AbortController();
    this.#ended = new Promise<void>((resolve) => {
      const end = (): void => {
        // Its number may belong to somebody else from now on.
        this.#guard.tell('');
        if (this.#process === child) this.#process = undefined;
        gone.abort();
        resolve();
      };
      child.once('error', end);
      child.once('exit', end);
    });
    if (child.pid !== undefined) this.#guard.tell(String(child.pid));
    try {
      const address = { host: '127.0.0.1', port: this.port };
      await waitForRedis(address, startMsMax, gone.signal);
      // Where the port was taken it is the other server that answers.
      const answering = await redisProcessId(address, this.#setup.config['requirepass']);
      if (answering !== child.pid) throw new Error(`Port ${this.port} is already in use.`);
    } catch (cause) {
      const lines = (await readFile(logFile, 'utf8')).trim().split('\n');
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(
        [`${this.#program} did not start: ${reason}`, ...lines.slice(-5)].join('\n  '),
        { cause },
      );
    }
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    this.#guard.dismiss();
    if (this.#setup.removeDir) await rm(this.dir, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.start();
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    child.kill(signal);
    // A test may have frozen it.
    child.kill('SIGCONT');
    const impatient = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
    child.ref();
    await this.#ended;
    clearTimeout(impatient);
  }

  #conf(): string {
    const config: Record<string, string> = {
      ...redisDefaults,
      bind: '127.0.0.1',
      port: String(this.port),
      dir: this.dir,
      logfile: '',
      daemonize: 'no',
      ...this.#setup.config,
    };
    return Object.entries(config)
      .map(([key, value]) => {
        if (/[\r\n]/.test(value)) throw new Error(`The Redis setting ${key} holds a line end.`);
        return `${key} ${value === '' ? '""' : value}\n`;
      })
      .join('');
  }
}
