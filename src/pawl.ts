/** The entry point for callers. Each method checks its arguments, and hands them to what the wiring has chosen. */
import { BullQueues } from './bull-queues.ts';
import type { Checkpointer } from './core/checkpointer.ts';
import { checkClose, type CloseOptions } from './core/closing.ts';
import { InvalidError, PawlError } from './core/errors.ts';
import type { RecoveryInfo, WorkerRecord } from './core/fleet.ts';
import { defaults } from './core/limits.ts';
import { checkRunId } from './core/names.ts';
import type { QueueInfo, WakeUp } from './core/queue.ts';
import { checkRequest, type Request } from './core/request.ts';
import { checkExpiry, type CheckpointExpiry } from './core/retention.ts';
import type { RunStats } from './core/run-stats.ts';
import type { ScheduleInfo } from './core/schedules.ts';
import type { Schema } from './core/schema.ts';
import type { Keyring } from './encryption/keyring.ts';
import {
  checkWorkflow,
  checkWorkflows,
  type Named,
  nameOf,
} from './engine/definition/check-workflow.ts';
import type { EventSchemas, StateOf } from './engine/definition/context.ts';
import { checkOptions } from './engine/definition/options.ts';
import type { OutputSchemas } from './engine/definition/outputs.ts';
import { statsOver, type StatsOverOptions, type StatsPart } from './engine/runs/stats-over.ts';
import type { StartOptions } from './engine/definition/start-options.ts';
import type {
  AnyWorkflow,
  StartArguments,
  StartInput,
  Workflow,
} from './engine/definition/workflow.ts';
import { StoreCheckpointer } from './engine/loop/store-checkpointer.ts';
import { Attendance } from './engine/runs/attendance.ts';
import {
  actOnRuns,
  type BulkAction,
  type BulkOptions,
  type BulkReport,
} from './engine/runs/bulk.ts';
import { expireCheckpoints } from './engine/runs/checkpoint-expiry.ts';
import {
  deleteRun,
  type DeletionInfo,
  type DeletionListOptions,
  listDeletions,
} from './engine/runs/deletions.ts';
import { checkFork, type ForkOptions, type ForkPoint, prepareFork } from './engine/runs/fork.ts';
import { RunHandle } from './engine/runs/run-handle.ts';
import { type RunInfo, toRunInfo } from './engine/runs/run-info.ts';
import { type StartItem, startMany, type StartOutcome } from './engine/runs/start-many.ts';
import { handleOf } from './engine/runs/handle-of.ts';
import { startRun } from './engine/runs/start.ts';
import type { WorkflowEvent } from './engine/runs/workflow-events.ts';
import { saveSchedule, type ScheduleOptions } from './engine/schedules/save.ts';
import { type ExportOptions, exportRun, exportRuns } from './engine/transfer/exports.ts';
import { type ImportOptions, type ImportReport, importRuns } from './engine/transfer/import.ts';
import { type Compaction, compactRun } from './engine/upkeep/compaction.ts';
import {
  type RunMemory,
  runMemory,
  type WorkflowMemory,
  workflowMemory,
} from './engine/upkeep/memory-usage.ts';
import { type Rehearsal, rehearse, rehearseExport } from './engine/upkeep/rehearsal.ts';
import {
  retain,
  type RetainOptions,
  type RetentionPolicy,
  type RetentionReport,
} from './engine/upkeep/retention.ts';
import { health, type Health, type HealthOptions } from './engine/worker/health.ts';
import { Queues } from './engine/worker/queues.ts';
import type { WorkerOptions } from './engine/worker/settings.ts';
import { Worker } from './engine/worker/worker.ts';
import {
  checkBulk,
  checkBulkAction,
  checkCompaction,
  checkDeletionList,
  checkExport,
  checkHealth,
  checkImport,
  checkList,
  checkMemory,
  checkOpen,
  checkParts,
  checkRecoveries,
  checkRehearsal,
  checkSchedule,
  checkStatsOver,
  checkWorker,
  toBulkQuery,
  toQuery,
} from './option-checks.ts';
import type { BulkQuery, ListOptions, OpenOptions, Parts, SearchOptions } from './options.ts';
import { PawlRedis } from './pawl-redis.ts';
import { Scheduled } from './scheduled.ts';
import { keyring, type PawlServices, redisParts, type ServerBehind, wire } from './wiring.ts';

/**
 * The entry point: starts runs, finds them, and makes workers. Get one with `Pawl.open`, and close it when you are done.
 */
export class Pawl implements AsyncDisposable {
  /** For loops that your own code runs, without workflow and worker. */
  readonly checkpointer: Checkpointer;
  readonly #services: PawlServices;
  readonly #workers = new Set<Worker>();
  /** The queues in BullMQ, to hold back, to try, and to show to a dashboard of queues. */
  readonly bull: BullQueues;
  readonly #attendance: Attendance;
  readonly #queues: Queues;
  /** What a person does with schedules: pauses one, lets it go on, starts a run of it by hand. */
  readonly scheduled: Scheduled;
  /** What workflows store is encrypted. */
  readonly isEncrypted: boolean;
  /** The Redis of this pawl, to name it and to examine it; undefined for a pawl over other parts. */
  readonly redis: PawlRedis | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts, keys: Keyring | undefined, server?: ServerBehind) {
    const services = wire(parts, keys, (wakeUp) => this.#wake(wakeUp));
    const { store, queue, clock, logger } = services;
    this.#services = services;
    this.#attendance = new Attendance({ fleet: store.fleet, queue, clock, logger });
    this.#queues = new Queues({ fleet: store.fleet, queue, clock, logger });
    this.bull = new BullQueues(queue, this.#queues);
    this.scheduled = new Scheduled(services);
    this.isEncrypted = keys !== undefined;
    this.redis = server && new PawlRedis(server, () => this.queues());
    this.checkpointer = new StoreCheckpointer(services);
  }

  /**
   * Connects to Redis and checks that it will keep what it is given. Without `redis`, the address is in `PAWL_REDIS_URL`
   * or `REDIS_URL` of the environment.
   * @throws InvalidError for a bad option, and for none; UnavailableError when Redis does not answer within `connectMs`;
   *   PawlError `PAWL_REDIS_VERSION`, `PAWL_REDIS_CONFIG`, `PAWL_SHARDS`. Nothing was written.
   */
  static async open(options: OpenOptions = {}): Promise<Pawl> {
    checkOpen(options, 'open options');
    const { parts, keys, server } = await redisParts(options, process.env);
    return new Pawl(parts, keys, server);
  }

  /** A pawl over other parts, such as the memory store for tests without Redis. */
  static assemble(parts: Parts): Pawl {
    checkParts(parts, 'parts');
    return new Pawl(parts, keyring(parts.encryption, ''));
  }

  /**
   * Starts a run. Durable when it resolves: any worker that knows the workflow will execute it to its end. The input may
   * be left out where the workflow has none, or takes undefined.
   * @throws InvalidError, UnstorableError, LimitError: nothing was written. RunError `PAWL_RUN_EXISTS`: the id has another
   *   workflow or input. UnavailableError: with `outcome: 'unknown'`, start again with the same id.
   */
  async start<
    Input extends Schema,
    S,
    E extends EventSchemas,
    Output,
    G extends EventSchemas,
    O extends OutputSchemas,
  >(
    workflow: Workflow<Input, S, E, Output, G, O>,
    ...[input, options = {}]: StartArguments<Input, StartOptions>
  ): Promise<RunHandle<Output, StateOf<S>, G, WorkflowEvent<E>, O>> {
    checkWorkflow(workflow);
    checkOptions('start', options);
    const record = await startRun(this.#services, workflow, input, options);
    return handleOf(record, this.#services, { workflow, attendance: this.#attendance });
  }

  /**
   * Starts up to 10,000 runs, a few hundred at a time. All inputs are checked first, so that one that does not fit starts
   * none. Returns what has become of each, in the order of the items. Give each an `id`, and the call may be repeated after
   * a crash or a fault: runs that are there are `known`. For more runs, call it again and again.
   * @throws InvalidError, UnstorableError, LimitError (more than 10,000 runs, or 64 MB of inputs): nothing was written.
   */
  async startMany<Input extends Schema, S, E extends EventSchemas, Output, G extends EventSchemas>(
    workflow: Workflow<Input, S, E, Output, G>,
    items: readonly StartItem<StartInput<Workflow<Input, S, E, Output, G>>>[],
  ): Promise<readonly StartOutcome[]> {
    return startMany(this.#services, workflow, items);
  }

  /**
   * Starts a new run where another one was at some point: after an event, a step, or a graph node's last visit. Finished
   * steps keep their results; the other run is only read. With `state` the new run begins with an edited state, which
   * its first event tells.
   * @throws RunError `PAWL_RUN_NOT_FOUND`; InvalidError when the run never came to that point; else as `start`.
   */
  async fork<
    Input extends Schema,
    S,
    E extends EventSchemas,
    Output,
    G extends EventSchemas,
    O extends OutputSchemas,
  >(
    workflow: Workflow<Input, S, E, Output, G, O>,
    run: string,
    point: ForkPoint,
    options: ForkOptions<StateOf<S>> = {},
  ): Promise<RunHandle<Output, StateOf<S>, G, WorkflowEvent<E>, O>> {
    checkWorkflow(workflow);
    checkRunId(run);
    checkFork(point, options);
    const services = this.#services;
    const { fork, input } = await prepareFork(services, workflow, run, point, options);
    const forked = { ...options, fork, stored: input };
    const record = await startRun(services, workflow, undefined, forked);
    return handleOf(record, services, { workflow, attendance: this.#attendance });
  }

  /**
   * Starts a run of the workflow at each time of a schedule, one and never two, with the id `<schedule id>.<time>` and the
   * tag `schedule`. Saving it again changes it, and keeps its place in time if its times stay the same. See
   * docs/schedules.md.
   * @throws InvalidError for a bad id, input or time, or an id that is taken; UnstorableError, LimitError. Nothing was
   *   written.
   */
  async schedule<Input extends Schema, S, E extends EventSchemas, Output, G extends EventSchemas>(
    workflow: Workflow<Input, S, E, Output, G>,
    input: StartInput<Workflow<Input, S, E, Output, G>>,
    when: ScheduleOptions,
  ): Promise<void> {
    checkWorkflow(workflow);
    checkSchedule(when, 'schedule options');
    await saveSchedule(this.#services, workflow, input, when);
  }

  /** Ends a schedule; runs it has started go on. False when the workflow has none with this id. */
  async unschedule(workflow: Named, id: string, request: Request = {}): Promise<boolean> {
    return this.scheduled.remove(workflow, id, request);
  }

  /** The schedules of a workflow, or all, in the order of their ids: when they are due, and what they have left out. */
  async schedules(workflow?: Named): Promise<readonly ScheduleInfo[]> {
    return this.#services.store.schedules.list(
      workflow === undefined ? undefined : nameOf(workflow),
    );
  }

  /** A handle on a run, whether it exists or not. With its workflow, the state can be read. */
  run(id: string): RunHandle;
  run<Input, S, E extends EventSchemas, Output, G extends EventSchemas, O extends OutputSchemas>(
    workflow: Workflow<Input, S, E, Output, G, O>,
    id: string,
  ): RunHandle<Output, StateOf<S>, G, WorkflowEvent<E>, O>;
  run(first: string | AnyWorkflow, second?: string): RunHandle {
    const id = typeof first === 'string' ? first : second;
    checkRunId(id);
    const workflow = typeof first === 'string' ? undefined : first;
    if (workflow !== undefined) checkWorkflow(workflow);
    return new RunHandle(id, this.#services, { workflow, attendance: this.#attendance });
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
  async bulk(action: BulkAction, query: BulkQuery, options: BulkOptions = {}): Promise<BulkReport> {
    checkBulkAction(action, 'action');
    checkBulk(options, 'bulk options');
    return actOnRuns(this.#services, { action, ...toBulkQuery(query, 'query') }, options);
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
   * Runs by when they were created, with the statuses that they have now: a count for each of `parts` stretches of time.
   * It comes from the indexes, so nothing is written for it, and it costs the same however many runs there are.
   * @throws InvalidError for a bad option, or less than a millisecond for each part.
   */
  async statsOver(options: StatsOverOptions): Promise<readonly StatsPart[]> {
    checkStatsOver(options, 'stats options');
    return statsOver(this.#services.store, options);
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

  /** Starts a worker in this process. */
  worker(options: WorkerOptions): Worker {
    if (this.#closing !== undefined) throw new PawlError('PAWL_CLOSED', 'This pawl is closed.');
    checkWorker(options, 'worker options');
    if ((options.sessionMs ?? defaults.sessionMs) <= (options.beatMs ?? defaults.beatMs)) {
      throw new InvalidError('worker options.sessionMs', 'must be longer than beatMs.');
    }
    const worker = new Worker(options, this.#services, () => this.#workers.delete(worker));
    this.#workers.add(worker);
    return worker;
  }

  /**
   * How the wake-ups of each workflow are doing that a worker knows now, in the order of their names. Empty for a queue that
   * nobody can look into, such as the one in memory.
   * @throws UnavailableError when Redis does not answer.
   */
  async queues(): Promise<readonly QueueInfo[]> {
    return this.#queues.list();
  }

  /**
   * Whether runs go on, with the reasons when they do not, for the health check of a service. Answers in `timeoutMs` even
   * when Redis hangs; never rejects because of it.
   * @throws InvalidError for a bad time.
   */
  async health(options: HealthOptions = {}): Promise<Health> {
    checkHealth(options, 'health options');
    const own = [...this.#workers].map(({ id, readiness }) => ({ id, readiness }));
    const paused = (): Promise<readonly string[]> => this.#queues.paused();
    return health({ store: this.#services.store, own, paused }, options);
  }

  /** Closes the workers made here, then the connections. */
  async close(options: CloseOptions = {}): Promise<void> {
    checkClose(options, 'close options');
    this.#closing ??= (async () => {
      await Promise.all([...this.#workers].map((worker) => worker.close(options)));
      await this.#services.queue.close();
      await this.#services.store.close();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #wake(wakeUp: WakeUp): Promise<void> {
    try {
      await this.#services.queue.send(wakeUp);
    } catch (error) {
      // The run is stored and due; the sweeper of any worker sends the wake-up.
      this.#services.logger.warn(
        { ...wakeUp, error: String(error) },
        'wake-up not sent, it will be sent again',
      );
    }
  }
}
