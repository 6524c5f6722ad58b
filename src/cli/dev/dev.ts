/**
 * `pawl dev`: a Redis if there is none, the pages, and a worker that says what it does and has the newest files.
 *
 *   starting ──ready──▶ at work ──a file has changed──▶ SIGTERM, its runs go to the next one ──▶ starting
 *      │                   └─────killed by somebody────▶ the next one takes its runs over ──────▶ starting
 *      └──it cannot be loaded──▶ nothing, until a file has changed
 *
 * The worker is a process of its own, because a module cannot be loaded anew, and so that it can be killed to see what
 * happens: from a shell, or from the page of workers. The page knows it by the id that the process has sent. Without any
 * Redis there are two of them, as threads over the memory of this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, resolve } from 'node:path';
import type { KillableWorker, KillableWorkers } from '../../dashboard/serve.ts';
import type { Pawl } from '../../pawl.ts';
import { UsageError } from '../failures.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { devRedis } from './dev-redis.ts';
import { DevThreads } from './dev-threads.ts';
import { devWorkerName } from './dev-worker.ts';
import { watchSources } from './source-watch.ts';

export const addDev: Add = (program, signal) => {
  program
    .command('dev')
    .description(
      'Executes the workflows of --runs until Ctrl-C, with pages and a line for all it does.',
    )
    .option('--no-reload', 'keep the worker when files change')
    .option('--no-ui', 'serve no pages')
    .action(inShell(signal, (shell, flags: DevFlags) => dev(shell, flags)));
};

interface DevFlags {
  readonly reload: boolean;
  readonly ui: boolean;
}

const graceMs = 500;
const respawnMs = 200;
const port = 4777;

async function dev(shell: Shell, flags: DevFlags): Promise<void> {
  const workflows = await shell.workflows();
  if (workflows === undefined) {
    throw new UsageError('Name your workflows with --runs, PAWL_RUNS or "runs" in pawl.config.');
  }
  const redis = await devRedis(shell);
  try {
    if (redis.url === undefined) await onThreads(shell, flags);
    else await onRedis(shell, flags, redis.url, [...workflows.keys()][0] ?? '');
  } finally {
    await redis.stop();
  }
}

async function onRedis(shell: Shell, flags: DevFlags, url: string, first: string): Promise<void> {
  const pawl = await shell.pawl(url);
  const workers = new DevWorkers(shell, url, flags);
  const pages = flags.ui ? await servePages(shell, pawl, () => workers.killable()) : undefined;
  shell.next(`pawl runs start ${first} --redis ${url}`);
  await workers.run();
  await pages?.close();
  await pawl.close({ graceMs });
}

async function onThreads(shell: Shell, flags: DevFlags): Promise<void> {
  const { openInThreads } = await import('../../testing/open-in-threads.ts');
  const threads = openInThreads();
  const workers = new DevThreads(shell, threads, flags.reload);
  const pages = flags.ui
    ? await servePages(shell, threads.pawl, () => workers.killable())
    : undefined;
  await workers.run();
  await pages?.close();
}

async function servePages(
  shell: Shell,
  pawl: Pawl,
  killable: KillableWorkers,
): Promise<{ close(): Promise<void> }> {
  const { serveDashboard } = await import('../../dashboard/serve.ts');
  const workflows = [...((await shell.workflows()) ?? new Map()).values()];
  const options = { workflows, actor: shell.request.actor, readOnly: false, killable };
  const pages = await serveDashboard(pawl, { ...options, port }).catch(() =>
    serveDashboard(pawl, { ...options, port: 0 }),
  );
  shell.say(`Pages: ${pages.url}  Ctrl-C ends it.`);
  return pages;
}

/** The worker process of now, and the one after it. */
class DevWorkers {
  readonly #shell: Shell;
  readonly #redis: string;
  readonly #flags: DevFlags;
  #child: ChildProcess | undefined;
  /** Of the process of now, when it is ready. */
  #worker: string | undefined;
  #isEnding = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(shell: Shell, redis: string, flags: DevFlags) {
    this.#shell = shell;
    this.#redis = redis;
    this.#flags = flags;
  }

  async run(): Promise<void> {
    const { signal, settings } = this.#shell;
    const folder = dirname(resolve(settings.runs.value ?? ''));
    const unwatch = this.#flags.reload
      ? await watchSources(folder, () => this.#replace())
      : () => undefined;
    this.#spawn();
    if (!signal.aborted) await once(signal, 'abort');
    this.#isEnding = true;
    clearTimeout(this.#timer);
    unwatch();
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  killable(): ReadonlyMap<string, KillableWorker> {
    const [child, worker] = [this.#child, this.#worker];
    if (child === undefined || worker === undefined) return new Map();
    const kill = ({ actor }: { readonly actor: string }): Promise<boolean> =>
      this.#kill(child, worker, actor);
    return new Map([[worker, { how: 'SIGKILL', command: `kill -9 ${child.pid}`, kill }]]);
  }

  /** The handle of the process is signalled, so never another process that has got the same number. */
  async #kill(child: ChildProcess, worker: string, actor: string): Promise<boolean> {
    if (!child.kill('SIGKILL')) return false;
    this.#shell.say(`${actor} kills worker ${worker} on the page of workers.`);
    // No event of the process comes before the turn of this call ends.
    await once(child, 'exit');
    return true;
  }

  #spawn(): void {
    const { flags, settings } = this.#shell;
    const args = [
      process.argv[1] ?? '',
      devWorkerName,
      '--runs',
      settings.runs.value ?? '',
      ...(settings.prefix.value === undefined ? [] : ['--prefix', settings.prefix.value]),
      ...(flags.config === undefined ? [] : ['--config', flags.config]),
      ...(flags.json === true ? ['--json'] : []),
    ];
    // The URL is in the environment, because everybody can read the arguments of a process.
    const { PAWL_REDIS: _, ...inherited } = process.env;
    const env = { ...inherited, PAWL_REDIS_URL: this.#redis };
    const child = spawn(process.execPath, [...process.execArgv, ...args], {
      env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.once('message', (worker) => {
      if (this.#child === child && typeof worker === 'string') this.#worker = worker;
    });
    child.once('exit', (code, killedBy) => this.#ended(child, code, killedBy));
  }

  /** The worker hands its runs back and ends; the next one is started when it has. */
  #replace(): void {
    if (this.#isEnding) return;
    this.#shell.say('A file has changed: the worker is replaced.');
    if (this.#child === undefined) this.#spawn();
    else this.#child.kill('SIGTERM');
  }

  #ended(child: ChildProcess, code: number | null, killedBy: NodeJS.Signals | null): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#worker = undefined;
    if (this.#isEnding) return;
    if (code !== null && code !== 0) {
      this.#shell.say(
        `The worker process ended with code ${code}. A change of a file starts the next one.`,
      );
      return;
    }
    if (killedBy !== null) {
      this.#shell.say(
        `Worker process ${child.pid} was killed by ${killedBy}; starting the next one.`,
      );
    }
    this.#timer = setTimeout(() => this.#spawn(), killedBy === null ? 0 : respawnMs);
  }
}
