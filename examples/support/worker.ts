/** Starts and ends the worker processes of an example. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Stage } from './stage.ts';

const workflowWorker = new URL('./worker-process.js', import.meta.url);
const living = new Set<ChildProcess>();

// The last resort, for an exception that nobody caught.
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export interface WorkerOptions {
  readonly label: string;
  /** The module whose workflows it executes. */
  readonly module?: URL;
  /** Another program than the one that executes workflows; it says something when it is ready. */
  readonly program?: URL;
  readonly onLine?: (line: string) => void;
}

export class WorkerProcess {
  /** What it has said so far, a line each. */
  readonly lines: string[] = [];
  readonly label: string;
  /** What it said when it was ready: the id of its worker. */
  id = '';
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;

  private constructor(child: ChildProcess, label: string) {
    this.#child = child;
    this.label = label;
    this.#gone = once(child, 'exit');
    living.add(child);
    void this.#gone.then(() => living.delete(child));
  }

  /** Starts a worker for the workflows that `module` exports; resolves when it takes runs. */
  static async start(
    stage: Stage,
    { label, module, program = workflowWorker, onLine }: WorkerOptions,
  ): Promise<WorkerProcess> {
    const child = fork(program, {
      // In the environment, because everybody can read the arguments of a process, and a URL may hold a password.
      env: {
        ...process.env,
        PAWL_EXAMPLE_REDIS: stage.redis,
        PAWL_EXAMPLE_PREFIX: stage.prefix,
        PAWL_EXAMPLE_MODULE: module?.href,
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const worker = new WorkerProcess(child, label);
    if (child.stdout !== null) {
      createInterface(child.stdout).on('line', (line) => {
        worker.lines.push(line);
        stage.say(`${label} │ ${line}`);
        onLine?.(line);
      });
    }
    const failed = worker.#gone.then(() => {
      throw new Error(`${label} ended before it was ready.`);
    });
    const [said] = (await Promise.race([once(child, 'message'), failed])) as [unknown];
    failed.catch(() => undefined);
    worker.id = String(said);
    return worker;
  }

  /** As `kill -9`, a power cut or the out-of-memory killer would end it: it can do nothing about it. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }

  /** As a deploy ends it: it hands back what it holds. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#gone;
  }
}
