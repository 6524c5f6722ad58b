/**
 * The workers of `pawl dev` without any Redis: two threads over the memory of this process. A person may terminate one in
 * the middle of a step, and sees the other one take its runs over.
 *
 *   starting ──ready──▶ at work ──a file has changed──▶ hands its runs back ──▶ starting
 *      │                   └─kill, typed or on a page─▶ the other takes over ──▶ starting
 *      └──it cannot be loaded──▶ nothing, until a file has changed
 */
import { once } from 'node:events';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { detach } from '../../core/detached.ts';
import type { KillableWorker } from '../../dashboard/serve.ts';
import type { Pawl } from '../../pawl.ts';
import type { PawlThread, PawlThreads } from '../../testing/open-in-threads.ts';
import { explain } from '../failures.ts';
import type { Shell } from '../shell.ts';
import { devWorkerName } from './dev-worker.ts';
import { watchSources } from './source-watch.ts';

const size = 2;
const graceMs = 500;
const respawnMs = 200;

export class DevThreads {
  readonly #shell: Shell;
  readonly #threads: PawlThreads;
  readonly #pawl: Pawl;
  readonly #reloads: boolean;
  /** The worker of each thread that is ready. */
  readonly #ready = new Map<PawlThread, string>();
  readonly #living = new Set<PawlThread>();
  readonly #replaced = new Set<PawlThread>();
  #hasStartedRuns = false;
  #isEnding = false;

  constructor(shell: Shell, threads: PawlThreads, reloads: boolean) {
    this.#shell = shell;
    this.#threads = threads;
    this.#pawl = threads.pawl;
    this.#reloads = reloads;
  }

  async run(): Promise<void> {
    const { signal, settings } = this.#shell;
    const folder = dirname(resolve(settings.runs.value ?? ''));
    const unwatch = this.#reloads
      ? await watchSources(folder, () => this.#detach(this.#replace()))
      : () => undefined;
    this.#start();
    const lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => this.#detach(this.#obey(line.trim())));
    if (!signal.aborted) await once(signal, 'abort');
    this.#isEnding = true;
    lines.close();
    unwatch();
    await this.#threads.close({ graceMs });
  }

  #start(): void {
    if (this.#isEnding || this.#living.size >= size) return;
    const { flags, settings } = this.#shell;
    const { FORCE_COLOR: _, ...env } = process.env as Record<string, string>;
    const thread = this.#threads.start(process.argv[1] ?? '', {
      argv: [
        devWorkerName,
        '--runs',
        settings.runs.value ?? '',
        ...(flags.config === undefined ? [] : ['--config', flags.config]),
        ...(flags.json === true ? ['--json'] : []),
      ],
      // A thread does not see that it is at a terminal.
      env: process.stdout.isTTY ? { ...env, FORCE_COLOR: '1' } : env,
    });
    this.#living.add(thread);
    thread.worker.once('message', (worker: string) => this.#isReady(thread, worker));
    this.#detach(this.#follow(thread));
  }

  /** The second one is started by the first that is ready: a file that cannot be loaded is told once. */
  #isReady(thread: PawlThread, worker: string): void {
    this.#ready.set(thread, worker);
    this.#start();
    if (this.#hasStartedRuns || this.#ready.size < size) return;
    this.#hasStartedRuns = true;
    this.#detach(this.#startRuns());
  }

  async #follow(thread: PawlThread): Promise<void> {
    const { terminated, code } = await thread.ended;
    this.#living.delete(thread);
    this.#ready.delete(thread);
    if (this.#isEnding || this.#replaced.delete(thread)) return;
    if (terminated) setTimeout(() => this.#start(), respawnMs);
    else {
      this.#shell.say(
        `A worker thread ended with code ${code}. A change of a file starts the next one.`,
      );
    }
  }

  async #replace(): Promise<void> {
    if (this.#isEnding) return;
    this.#shell.say('A file has changed: the workers are replaced.');
    const old = [...this.#living];
    for (const thread of old) this.#replaced.add(thread);
    await Promise.all(old.map((thread) => thread.close({ graceMs })));
    this.#start();
  }

  /** Nobody else reaches the memory of this process, so each workflow that needs no input is started once. */
  async #startRuns(): Promise<void> {
    for (const workflow of ((await this.#shell.workflows()) ?? new Map()).values()) {
      await this.#pawl.start(workflow, undefined).catch((error: unknown) => {
        this.#shell.say(
          `No run of ${workflow.name} was started: ${explain(error) ?? ''}\nType: start ${workflow.name} <input as JSON>`,
        );
      });
    }
  }

  async #obey(line: string): Promise<void> {
    const [, verb, name = '', input] = /^(\S+)(?: +(\S+)(?: +(.+))?)?$/.exec(line) ?? [];
    if (verb === undefined) return;
    if (verb === 'kill' && name === '') await this.#kill();
    else if (verb === 'start' && name !== '') {
      const workflow = await this.#shell.needWorkflow(name, 'start');
      await this.#pawl.start(workflow, input === undefined ? undefined : JSON.parse(input));
    } else this.#shell.say('Type kill, or start <workflow> [input as JSON]. Ctrl-C ends it.');
  }

  /** Ends the thread that has a run at work; if none has, one of them. */
  async #kill(): Promise<void> {
    const { runs } = await this.#pawl.list({ status: 'running', limit: 1 });
    const all = [...this.#ready];
    const [thread, worker] = all.find(([, id]) => id === runs[0]?.worker) ?? all[0] ?? [];
    if (thread === undefined) {
      this.#shell.say('No worker thread is ready.');
      return;
    }
    await this.#terminate(thread, worker);
  }

  killable(): ReadonlyMap<string, KillableWorker> {
    return new Map(
      [...this.#ready].map(([thread, worker]) => {
        const kill = ({ actor }: { readonly actor: string }): Promise<boolean> => {
          this.#shell.say(`${actor} terminates worker ${worker} on the page of workers.`);
          return this.#terminate(thread, worker);
        };
        return [worker, { how: 'terminate', kill }];
      }),
    );
  }

  /** False: the thread has ended already. */
  async #terminate(thread: PawlThread, worker: string | undefined): Promise<boolean> {
    if (!this.#living.has(thread)) return false;
    await thread.terminate();
    this.#shell.say(`The thread of worker ${worker} was terminated, in the middle of its work.`);
    return true;
  }

  #detach(work: Promise<void>): void {
    detach(work, (error) => this.#shell.say(explain(error) ?? ''));
  }
}
