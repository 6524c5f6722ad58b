/**
 * One action for all runs of a query: each run is asked by itself, as a person would ask it, and keeps who asked and why in
 * its own log. Nothing is written of the whole.
 *
 * A crash in the middle leaves the runs that were reached done and the others untouched. Repeating the call is safe: runs
 * that need nothing any more are left alone, so it does what is left. (A run that was asked to cancel, and has not ended
 * yet, is asked once more; it ends once.)
 *
 * Runs that are created after it began are never touched: the list goes from new to old, and ends at the store's time at
 * which it began.
 */
import { type ErrorRecord, RunError } from '../../core/errors.ts';
import type { Request } from '../../core/request.ts';
import { isEnded, type RunStatus, type RunSummary } from '../../core/run.ts';
import type { RunQuery } from '../../core/run-query.ts';
import { activeError, type DeletionParts, deleteRun } from './deletions.ts';
import { endedError } from './missing.ts';
import type { HandleServices } from './handle-services.ts';
import { RunHandle } from './run-handle.ts';

export const bulkActions = ['resume', 'pause', 'cancel', 'delete'] as const;

/** What `pawl.bulk` does to each run: the same as the method of that name does to one. */
export type BulkAction = (typeof bulkActions)[number];

/** How far a bulk action may go, and who answers for it. */
export interface BulkOptions extends Request {
  /** Tells what would be done, as far as the runs' records show it, and writes nothing. */
  readonly dryRun?: boolean;
  /** Acts on so many runs at most, the newest. Default: all. */
  readonly limit?: number;
  /** Runs that are asked at the same time: 1–100, default 16. */
  readonly concurrency?: number;
  /** Called as it goes on, at least once for every hundred runs; a promise is waited for, and a rejection ends the call. */
  readonly onProgress?: (progress: BulkProgress) => void | Promise<void>;
}

/** How far a bulk action has come. Counts only grow. */
export interface BulkProgress {
  /** Runs of the query so far. */
  readonly matched: number;
  /** What the action changed; in a dry run, what it would change. */
  readonly done: number;
  /** There was nothing to do: not paused and not failed, paused already, gone meanwhile. */
  readonly unchanged: number;
  /** Those that could not be acted on; each error is in the report. */
  readonly refused: number;
}

/** What a bulk action has done, or would do in a dry run. */
export interface BulkReport extends Omit<BulkProgress, 'refused'> {
  /** The action that was asked for. */
  readonly action: BulkAction;
  /** True when nothing was written. */
  readonly dryRun: boolean;
  /** How many of the runs had which status when they were found. */
  readonly statuses: Readonly<Partial<Record<RunStatus, number>>>;
  /** The newest runs that were acted on, or would be. */
  readonly sample: readonly string[];
  /** Runs that could not be acted on, each with the reason. */
  readonly refused: readonly { readonly run: string; readonly error: ErrorRecord }[];
}

const sampleSize = 20;
const pageSize = 100;
const concurrencyDefault = 16;

type Result = 'done' | 'unchanged' | RunError;

export interface BulkServices extends HandleServices, DeletionParts {}

/** @throws UnavailableError and other faults of the store: what was done until then is done. */
export async function actOnRuns(
  services: BulkServices,
  { action, query }: { readonly action: BulkAction; readonly query: RunQuery },
  options: BulkOptions = {},
): Promise<BulkReport> {
  const { dryRun = false, limit = Infinity, onProgress } = options;
  const { actor, reason } = options;
  const request = {
    ...(actor === undefined ? {} : { actor }),
    ...(reason === undefined ? {} : { reason }),
  };
  const tally = new Tally();
  // What is created from the next millisecond on is not its business.
  const began = (await services.store.observation.now()) + 1;
  const until = Math.min(query.until ?? began, began);
  const act = dryRun ? foresee : actOn;
  let cursor: string | undefined;
  do {
    const page = await services.store.lists.runs({
      ...query,
      until,
      limit: Math.min(pageSize, limit - tally.matched),
      ...(cursor === undefined ? {} : { cursor }),
    });
    ({ cursor } = page);
    const ask = async (run: RunSummary): Promise<Result> => act(services, { action, run, request });
    const results = await eachOf(page.runs, options.concurrency ?? concurrencyDefault, ask);
    for (const [i, run] of page.runs.entries()) tally.add(run, results[i] ?? 'unchanged');
    await onProgress?.(tally.progress());
  } while (cursor !== undefined && tally.matched < limit);
  return { action, dryRun, ...tally.report() };
}

interface Asking {
  readonly action: BulkAction;
  readonly run: RunSummary;
  readonly request: Request;
}

/** What asking would come to, by the record alone. */
async function foresee(_: BulkServices, { action, run }: Asking): Promise<Result> {
  const { id, status, paused } = run;
  switch (action) {
    case 'resume':
      return paused || status === 'failed' || status === 'quarantined' ? 'done' : 'unchanged';
    case 'delete':
      return status === 'running' ? activeError(id, run.worker ?? 'a worker') : 'done';
    case 'pause':
      if (paused) return 'unchanged';
      break;
    case 'cancel':
      break;
  }
  return isEnded(status) ? endedError(id, status) : 'done';
}

async function actOn(services: BulkServices, asking: Asking): Promise<Result> {
  const { action, run, request } = asking;
  const handle = new RunHandle(run.id, services);
  try {
    switch (action) {
      case 'resume':
        return (await handle.resume(request)) ? 'done' : 'unchanged';
      case 'pause':
        if (run.paused) return 'unchanged';
        await handle.pause(request);
        return 'done';
      case 'cancel':
        await handle.cancel(request);
        return 'done';
      case 'delete':
        return (await deleteRun(services, run.id, request)) ? 'done' : 'unchanged';
    }
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return error.code === 'PAWL_RUN_NOT_FOUND' ? 'unchanged' : error;
  }
}

/** A few at a time. When one fails, the others finish what they do, and no further one begins. */
async function eachOf<T, R>(
  all: readonly T[],
  concurrency: number,
  task: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const left = all.entries();
  const results: R[] = [];
  let hasFailed = false;
  const loop = async (): Promise<void> => {
    for (const [i, one] of left) {
      if (hasFailed) return;
      results[i] = await task(one).catch((error: unknown) => {
        hasFailed = true;
        throw error;
      });
    }
  };
  const loops = await Promise.allSettled(Array.from({ length: concurrency }, loop));
  const failed = loops.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results;
}

/** What came of it so far. */
class Tally {
  matched = 0;
  #done = 0;
  #unchanged = 0;
  readonly #refused: { run: string; error: ErrorRecord }[] = [];
  readonly #sample: string[] = [];
  readonly #statuses: Partial<Record<RunStatus, number>> = {};

  add({ id, status }: RunSummary, result: Result): void {
    this.matched += 1;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (result === 'unchanged') this.#unchanged += 1;
    else if (result === 'done') {
      this.#done += 1;
      if (this.#sample.length < sampleSize) this.#sample.push(id);
    } else {
      const { name, message, code } = result;
      this.#refused.push({ run: id, error: { name, message, code } });
    }
  }

  progress(): BulkProgress {
    const refused = this.#refused.length;
    return { matched: this.matched, done: this.#done, unchanged: this.#unchanged, refused };
  }

  report(): Omit<BulkReport, 'action' | 'dryRun'> {
    return {
      ...this.progress(),
      statuses: this.#statuses,
      sample: this.#sample,
      refused: this.#refused,
    };
  }
}
