/**
 * Failed jobs are a picture for people: a run that has failed is a failed job, which can be tried again in any dashboard
 * of BullMQ. A run that goes on, or is gone, must leave none behind.
 *
 *   a run is resumed or deleted ──settle──▶ noted ──a moment later──▶ one look at the failed jobs drops those of all noted
 *
 * BullMQ has no way from a run to its jobs, so each look reads them all; the moment is there so that ten thousand runs
 * that are resumed together cost a few looks. A process that dies before the look leaves the jobs, and so does a way that
 * settles nothing, such as the time after which ended runs are deleted: the sweeper compares the failed jobs with their
 * runs (engine/worker/failed-deliveries.ts).
 *
 * Only jobs with a lower fence than the run has now are dropped, so a run that fails again meanwhile keeps its new job.
 * Nothing depends on any of it.
 */
import type { Job, Queue } from 'bullmq';
import type { FailedDelivery, Settled } from '../core/queue.ts';

/** Failed jobs that BullMQ keeps of a queue. */
export const keepFailedJobs = 1_000;
const momentMs = 250;
const atOnce = 100;

export interface FailedJobsOptions {
  readonly queue: (workflow: string) => Queue;
  readonly toWakeUp: (data: unknown) => Pick<Settled, 'run' | 'fence'> | undefined;
}

export class FailedJobs {
  readonly #options: FailedJobsOptions;
  /** By workflow: runs, each with the fence below which its jobs are of the past. */
  readonly #settled = new Map<string, Map<string, number>>();
  #tidying: Promise<void> | undefined;
  #hurry: () => void = () => undefined;
  #isEnding = false;

  constructor(options: FailedJobsOptions) {
    this.#options = options;
  }

  async list(workflow: string, offset: number, limit: number): Promise<FailedDelivery[]> {
    const jobs: readonly (Job | undefined)[] = await this.#options
      .queue(workflow)
      .getFailed(offset, offset + limit - 1);
    return jobs.flatMap((job) => {
      const wakeUp = job === undefined ? undefined : this.#options.toWakeUp(job.data);
      const { id } = job ?? {};
      if (wakeUp === undefined || id === undefined) return [];
      return [{ job: id, run: wakeUp.run, fence: wakeUp.fence }];
    });
  }

  async forget(workflow: string, jobs: readonly string[]): Promise<void> {
    const queue = this.#options.queue(workflow);
    // One that somebody has tried again in this moment is locked, and stays.
    await Promise.all(jobs.map((id) => queue.remove(id).catch(() => 0)));
  }

  settle({ workflow, run, fence }: Settled): void {
    const runs = this.#settled.get(workflow) ?? new Map<string, number>();
    this.#settled.set(workflow, runs.set(run, Math.max(fence, runs.get(run) ?? 0)));
    this.#tidying ??= this.#tidySoon();
  }

  /** Does at once what would be done in a moment; resolves when nothing is left to do. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#hurry();
    await this.#tidying;
  }

  async #tidySoon(): Promise<void> {
    while (this.#settled.size > 0) {
      await this.#moment();
      const settled = [...this.#settled];
      this.#settled.clear();
      await Promise.all(settled.map(([workflow, runs]) => this.#drop(workflow, runs))).catch(
        // Redis is away: the sweeper finds what is left.
        () => undefined,
      );
    }
    this.#tidying = undefined;
  }

  async #moment(): Promise<void> {
    if (this.#isEnding) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, momentMs);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #drop(workflow: string, runs: ReadonlyMap<string, number>): Promise<void> {
    const kept = Math.min(await this.#options.queue(workflow).getFailedCount(), keepFailedJobs);
    const past: string[] = [];
    for (let offset = 0; offset < kept; offset += atOnce) {
      const page = await this.list(workflow, offset, atOnce);
      for (const { job, run, fence } of page) {
        if (fence < (runs.get(run) ?? 0)) past.push(job);
      }
    }
    await this.forget(workflow, past);
  }
}
