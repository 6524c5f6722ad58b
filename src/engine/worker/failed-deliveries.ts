/**
 * Failed jobs whose runs have not failed any more, or are gone: whoever looks at the queue would see trouble where there
 * is none. Who resumes or deletes a run has its jobs dropped (bullmq/failed-jobs.ts). This finds what a crash in between
 * has left, and the jobs of runs that went another way, such as those whose time to be kept was over.
 *
 * A part of the failed jobs is looked at now and then, by the worker that is elected. A look that is wrong, because the
 * run has failed again in between, costs a picture: the run itself says that it has failed.
 */
import type { Clock } from '../../core/clock.ts';
import type { Fleet } from '../../core/fleet.ts';
import type { Logger } from '../../core/logger.ts';
import type { FailedDelivery, ResumeQueue } from '../../core/queue.ts';
import type { RunStore } from '../../core/store.ts';

const everyMs = 10_000;
/** Asked rarely, because there may be many workers. */
const namesEveryMs = 60_000;
const atOnce = 100;

export interface FailedDeliveriesOptions {
  readonly store: Pick<RunStore, 'record'> & { readonly fleet: Pick<Fleet, 'workers'> };
  readonly queue: Pick<ResumeQueue, 'failures' | 'forget'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
}

export class FailedDeliveries {
  readonly #options: FailedDeliveriesOptions;
  #names: readonly string[] = [];
  #namedAt = -Infinity;
  #comparedAt = -Infinity;
  /** By workflow: how many of the newest were looked at, and stayed. */
  readonly #passed = new Map<string, number>();
  #comparing: Promise<void> | undefined;

  constructor(options: FailedDeliveriesOptions) {
    this.#options = options;
  }

  /** Begins to compare when it is time for one; nobody waits for it. */
  attend(): void {
    const now = this.#options.clock.monotonic();
    const isAbsent = this.#options.queue.failures === undefined;
    if (isAbsent || this.#comparing !== undefined || now - this.#comparedAt < everyMs) return;
    this.#comparedAt = now;
    this.#comparing = this.#compareAll()
      .catch((error: unknown) => {
        this.#options.logger.debug({ error: String(error) }, 'failed jobs not looked at');
      })
      .finally(() => {
        this.#comparing = undefined;
      });
  }

  /** Resolves when nothing is being compared. */
  async end(): Promise<void> {
    await this.#comparing;
  }

  async #compareAll(): Promise<void> {
    const { store, clock } = this.#options;
    if (clock.monotonic() - this.#namedAt >= namesEveryMs) {
      const workers = await store.fleet.workers();
      this.#names = [...new Set(workers.flatMap(({ workflows }) => Object.keys(workflows)))];
      this.#namedAt = clock.monotonic();
    }
    for (const workflow of this.#names) await this.#compare(workflow);
  }

  async #compare(workflow: string): Promise<void> {
    const { queue, logger } = this.#options;
    const offset = this.#passed.get(workflow) ?? 0;
    const kept = (await queue.failures?.(workflow, offset, atOnce)) ?? [];
    const stale = await this.#staleOf(kept);
    if (stale.length > 0) {
      await queue.forget?.(workflow, stale);
      logger.debug({ workflow, jobs: stale.length }, 'failed jobs of runs that have not failed');
    }
    // From the newest on again, when the end is reached.
    const next = kept.length === 0 ? 0 : offset + kept.length - stale.length;
    this.#passed.set(workflow, next);
  }

  /** Those of runs that have not failed, and all but the newest of a run. */
  async #staleOf(kept: readonly FailedDelivery[]): Promise<readonly string[]> {
    const seen = new Set<string>();
    const stale: string[] = [];
    const records = await Promise.all(kept.map(({ run }) => this.#options.store.record(run)));
    for (const [i, { job, run }] of kept.entries()) {
      const status = records[i]?.status;
      const hasFailed = status === 'failed' || status === 'quarantined';
      if (hasFailed && !seen.has(run)) seen.add(run);
      else stale.push(job);
    }
    return stale;
  }
}
