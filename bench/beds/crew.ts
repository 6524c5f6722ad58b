/** Worker processes of a bed, as their parent has them. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Told, WorkerProcessSetup } from './worker-main.ts';

const main = fileURLToPath(new URL('worker-main.js', import.meta.url));
const closeMsMax = 10_000;

export class Crew {
  readonly #workers: readonly ChildProcess[];

  private constructor(workers: readonly ChildProcess[]) {
    this.#workers = workers;
  }

  /** Resolves when each of them is ready. */
  static async start(
    count: number,
    setup: WorkerProcessSetup,
    begun: (id: string, at: number) => void = () => undefined,
  ): Promise<Crew> {
    const workers = Array.from({ length: count }, () =>
      fork(main, [JSON.stringify(setup)], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        execArgv: [],
        env: { ...process.env, NODE_ENV: 'production' },
      }),
    );
    const ready = workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
          worker.on('message', (told: Told) => {
            if ('ready' in told) resolve();
            else begun(told.begun, told.at);
          });
        }),
    );
    const crew = new Crew(workers);
    try {
      await Promise.all(ready);
    } catch (error) {
      await crew.close();
      throw error;
    }
    return crew;
  }

  get pids(): number[] {
    return this.#workers.flatMap(({ pid }) => pid ?? []);
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        if (worker.exitCode !== null || worker.signalCode !== null) return;
        const gone = once(worker, 'exit');
        const impatient = setTimeout(() => worker.kill('SIGKILL'), closeMsMax);
        worker.disconnect();
        await gone;
        clearTimeout(impatient);
      }),
    );
  }
}
