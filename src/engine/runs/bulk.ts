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
import { isEnded, type RunStatus, type RunSummary, toSummary } from '../../core/run.ts';
import { fits, type RunQuery } from '../../core/run-query.ts';
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

/** All runs of a query, or those of these ids that fit it. */
export interface BulkTarget {
  readonly action: BulkAction;
  readonly query: RunQuery;
  readonly ids?: readonly string[] | undefined;
}

/** @throws UnavailableError and other faults of the store: what was done until then is done. */
export async function actOnRuns(
  services: BulkServices,
  { action, query, ids }: BulkTarget,
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
  const wanted = { ...query, until: Math.min(query.until ?? began, began) };
  const act = dryRun ? foresee : actOn;
  const ask = async (run: RunSummary): Promise<Result> => act(services, { action, run, request });
  const left = (): number => limit - tally.matched;
  const pages =
    ids === undefined ? found(services, wanted, left) : named(services, wanted, { ids, left });
  for await (const runs of pages) {
    const results = await eachOf(runs, options.concurrency ?? concurrencyDefault, ask);
    for (const [i, run] of runs.entries()) tally.add(run, results[i] ?? 'unchanged');
    await onProgress?.(tally.progress());
  }
  return { action, dryRun, ...tally.report() };
}

type Pages = AsyncGenerator<readonly RunSummary[], void, undefined>;

/** Runs of the query, a page at a time, the newest first, while some are `left` to be acted on. */
async function* found({ store }: BulkServices, query: RunQuery, left: () => number): Pages {
  let cursor: string | undefined;
  do {
    const place = cursor === undefined ? {} : { cursor };
    const limit = Math.min(pageSize, left());
    const page = await store.lists.runs({ ...query, limit, ...place });
    ({ cursor } = page);
    yield page.runs;
  } while (cursor !== undefined && left() > 0);
}

/** Those of the ids that are there and fit. */
async function* named(
  { store }: BulkServices,
  query: RunQuery,
  { ids, left }: { readonly ids: readonly string[]; readonly left: () => number },
): Pages {
  const all = [...new Set(ids)];
  for (let at = 0; at < all.length && left() > 0; at += pageSize) {
    const some = all.slice(at, at + pageSize);
    const records = await Promise.all(some.map((id) => store.record(id)));
    const runs = records.filter((run) => run !== undefined).filter((run) => fits(run, query));
    yield runs.map(toSummary).slice(0, left());
  }
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
