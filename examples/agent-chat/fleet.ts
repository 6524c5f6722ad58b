/** Two worker processes. One that is killed is replaced, as whatever starts your processes would do. */
import type { Stage } from '../support/stage.ts';
import { WorkerProcess } from '../support/worker.ts';

const module = new URL('./workflow.js', import.meta.url);

export class Fleet {
  readonly #stage: Stage;
  readonly #workers = new Map<string, WorkerProcess>();
  /** Those that start now, in place of killed ones. */
  readonly #starting = new Set<Promise<void>>();
  #started = 0;

  private constructor(stage: Stage) {
    this.#stage = stage;
  }

  static async start(stage: Stage): Promise<Fleet> {
    const fleet = new Fleet(stage);
    await Promise.all([fleet.#add(), fleet.#add()]);
    return fleet;
  }

  /** Kills a worker, as a power cut would. False when it is none of these. */
  async kill(id: string): Promise<boolean> {
    const worker = this.#workers.get(id);
    if (worker === undefined) return false;
    this.#workers.delete(id);
    this.#stage.say(`${worker.label} is killed (SIGKILL)`);
    this.#replace();
    await worker.kill();
    return true;
  }

  labelOf(id: string | undefined): string | undefined {
    return id === undefined ? undefined : this.#workers.get(id)?.label;
  }

  get ids(): readonly string[] {
    return [...this.#workers.keys()];
  }

  get size(): number {
    return this.#workers.size;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#starting);
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
  }

  #replace(): void {
    const starting = this.#add()
      .catch((error: unknown) => this.#stage.say(String(error)))
      .finally(() => this.#starting.delete(starting));
    this.#starting.add(starting);
  }

  async #add(): Promise<void> {
    this.#started += 1;
    const worker = await WorkerProcess.start(this.#stage, {
      label: `worker ${this.#started}`,
      module,
    });
    this.#workers.set(worker.id, worker);
  }
}
