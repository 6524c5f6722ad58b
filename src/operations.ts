/** What is done with runs as they lie in the store: found, looked through, moved, cleaned up. A pawl can all of it. */
import type { RunStats } from './core/run-stats.ts';
import type { RecoveryInfo, WorkerRecord } from './core/fleet.ts';
import { checkRunId } from './core/names.ts';
import { checkRequest, type Request } from './core/request.ts';
import { type CheckpointExpiry, checkExpiry } from './core/retention.ts';
import { type Compaction, compactRun } from './engine/upkeep/compaction.ts';
import {
  actOnRuns,
  type BulkAction,
  type BulkOptions,
  type BulkServices,
  type BulkReport,
} from './engine/runs/bulk.ts';
import {
  type DeletionInfo,
  type DeletionListOptions,
  deleteRun,
  listDeletions,
} from './engine/runs/deletions.ts';
import { type ExportOptions, exportRun, exportRuns } from './engine/transfer/exports.ts';
import { expireCheckpoints } from './engine/runs/checkpoint-expiry.ts';
import { type ImportOptions, type ImportReport, importRuns } from './engine/transfer/import.ts';
import { type Rehearsal, rehearse, rehearseExport } from './engine/upkeep/rehearsal.ts';
import {
  type RunMemory,
  runMemory,
  type WorkflowMemory,
  workflowMemory,
} from './engine/upkeep/memory-usage.ts';
import {
  retain,
  type RetainOptions,
  type RetentionPolicy,
  type RetentionReport,
} from './engine/upkeep/retention.ts';
import { type RunInfo, toRunInfo } from './engine/runs/run-info.ts';
import { checkWorkflows } from './engine/definition/check-workflow.ts';
import type { AnyWorkflow } from './engine/definition/workflow.ts';
import {
  checkBulk,
  checkBulkAction,
  checkCompaction,
  checkDeletionList,
  checkExport,
  checkImport,
  checkList,
  checkMemory,
  checkRecoveries,
  checkRehearsal,
  toQuery,
} from './option-checks.ts';
import type { ListOptions, SearchOptions } from './options.ts';

export class Operations {
  readonly #services: BulkServices;

  constructor(services: BulkServices) {
    this.#services = services;
  }

  /**
   * Runs that meet every condition, the newest first (by creation), a page at a time. A page may be short, or empty,
   * although more follow: go on until there is no cursor. Runs that come, go or change meanwhile shift no others.
   * @throws InvalidError that names the condition that does not fit, or the cursor.
   */
  async list(
    options: ListOptions = {},
  ): Promise<{ readonly runs: readonly RunInfo[]; readonly cursor: string | undefined }> {
    checkList(options, 'list options');
    const { limit = 50, cursor, ...query } = options;
    const params = { ...toQuery(query, 'list options'), limit };
    const page = await this.#services.store.lists.runs(
      cursor === undefined ? params : { ...params, cursor },
    );
    return { runs: page.runs.map(toRunInfo), cursor: page.cursor };
  }

  /**
   * Resumes, pauses, cancels or deletes all runs of a query that exist now, each as if asked for by itself. Runs that refuse
   * are reported, the others are done. After a crash, or an error in between, repeat it: it goes on with what is left.
   * @throws InvalidError; UnavailableError and other faults of Redis: runs that were reached by then are done.
   */
  async bulk(
    action: BulkAction,
    query: SearchOptions,
    options: BulkOptions = {},
  ): Promise<BulkReport> {
    checkBulkAction(action, 'action');
    checkBulk(options, 'bulk options');
    return actOnRuns(this.#services, { action, query: toQuery(query, 'query') }, options);
  }

  /**
   * Removes a run and every trace of it; false when there was none. `deletions` keeps the actor and the reason.
   * @throws RunError `PAWL_RUN_ACTIVE` while a worker holds it.
   */
  async delete(id: string, request: Request = {}): Promise<boolean> {
    checkRunId(id);
    checkRequest(request, 'request');
    return deleteRun(this.#services, id, request);
  }

  /** Runs that were deleted on request, the last one first: about the last 10 000 of each shard. */
  async deletions(
    options: DeletionListOptions = {},
  ): Promise<{ readonly deletions: readonly DeletionInfo[]; readonly cursor: string | undefined }> {
    checkDeletionList(options, 'deletions options');
    return listDeletions(this.#services, options);
  }

  /**
   * Tells which runs the workflows' code of today would not understand: a log it cannot fold, a state that does not fit.
   * Looks at every run of these workflows that has not ended, here or in the lines of an export; writes nothing.
   * @throws InvalidError for what is no workflow; one that names the line, when `from` is no whole export.
   */
  async rehearse(
    workflows: readonly AnyWorkflow[],
    options: { readonly from?: AsyncIterable<string> | Iterable<string> } = {},
  ): Promise<Rehearsal> {
    checkWorkflows(workflows, 'workflows');
    checkRehearsal(options, 'rehearse options');
    return options.from === undefined
      ? rehearse(this.#services.store, workflows)
      : rehearseExport(options.from, workflows);
  }

  /**
   * Lines of JSON with everything that is stored of a run, or of the runs of a list: see
   * `engine/transfer/portable.ts`. They are made as they are read, so that a log of any length needs little memory.
   * @throws RunError `PAWL_RUN_NOT_FOUND` for a run that is not there.
   */
  export(
    what: string | SearchOptions = {},
    options: ExportOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    checkExport(options, 'export options');
    const { store } = this.#services;
    const { onProgress } = options;
    if (typeof what !== 'string') {
      return exportRuns(store, toQuery(what, 'query'), onProgress);
    }
    checkRunId(what);
    return exportRun(store, what, onProgress);
  }

  /**
   * Brings in the runs of an export, line by line, each whole or not at all; a run that is here is never changed. Works as
   * it reads, so that an export of any length needs little memory. See docs/moving.md.
   * @throws InvalidError that names the line; RunError `PAWL_RUN_EXISTS`. Runs before it in the lines are in.
   */
  async import(
    lines: AsyncIterable<string> | Iterable<string>,
    options: ImportOptions = {},
  ): Promise<ImportReport> {
    checkImport(options, 'import options');
    return importRuns(this.#services, lines, options);
  }

  /**
   * How many runs are in each status, and what is late: runs nobody has looked at in time, runs that wait for a worker.
   * Costs the same however many runs there are.
   * @throws UnavailableError when Redis does not answer.
   */
  stats(): Promise<RunStats> {
    return this.#services.store.observation.stats();
  }

  /**
   * Deletes runs by rules, compacts them, or drops their checkpoints; see docs/retention.md. Safe to repeat.
   * @throws InvalidError, DefinitionError for rules that make no sense: nothing was written.
   */
  retain(policy: RetentionPolicy, options: RetainOptions = {}): Promise<RetentionReport> {
    return retain(this.#services, policy, options);
  }

  /**
   * Drops the events of a run that its snapshot covers, up to `upTo` if it is given. Nobody can look at that part of its
   * past any more. The run goes on as before.
   * @throws RunError `PAWL_RUN_NOT_FOUND`.
   */
  async compact(run: string, options: { readonly upTo?: number } = {}): Promise<Compaction> {
    checkRunId(run);
    checkCompaction(options, 'compact options');
    return compactRun(this.#services.store, run, options);
  }

  /** Drops checkpoints of a run, by their ids or those that have expired; returns how many. */
  async forgetCheckpoints(
    run: string,
    which: readonly string[] | CheckpointExpiry,
  ): Promise<number> {
    checkRunId(run);
    if ('length' in which) return this.#services.store.archive.forget(run, which);
    checkExpiry(which, 'expiry');
    return expireCheckpoints(this.#services.store, run, which);
  }

  /**
   * Bytes in Redis by kind: of a run, or of the newest `sample` (default 100) runs of a workflow or of all.
   * @throws RunError `PAWL_RUN_NOT_FOUND` for a run that is not there.
   */
  memory(run: string): Promise<RunMemory>;
  memory(of: { readonly workflow?: string; readonly sample?: number }): Promise<WorkflowMemory>;
  async memory(
    what: string | { readonly workflow?: string; readonly sample?: number },
  ): Promise<RunMemory | WorkflowMemory> {
    if (typeof what !== 'string') {
      checkMemory(what, 'memory options');
      return workflowMemory(this.#services.store, what);
    }
    checkRunId(what);
    return runMemory(this.#services.store, what);
  }

  /** The workers that are registered now. */
  workers(): Promise<readonly WorkerRecord[]> {
    return this.#services.store.fleet.workers();
  }

  /**
   * Asks a worker to close, wherever it is: it takes no more runs, hands those it holds to others, and leaves. Its
   * process goes on, and its `readiness` says that it is closing. False when there is no such worker.
   */
  drain(worker: string): Promise<boolean> {
    return this.#services.store.fleet.drain(worker);
  }

  /** Runs that were taken from workers which died or froze, the newest first: the last 1,000 of each shard at least. */
  async recoveries(options: { readonly limit?: number } = {}): Promise<readonly RecoveryInfo[]> {
    checkRecoveries(options, 'recoveries options');
    const { limit = 50 } = options;
    const found = await this.#services.store.fleet.recoveries(limit);
    return found.map(({ at, ...rest }) => ({ ...rest, at: new Date(at) }));
  }
}
