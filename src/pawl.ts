/** The wiring: the one place that chooses implementations, and the entry point for callers. */
import { type BlobOptions, largeOver } from './blobs/options.ts';
import { BlobRunStore } from './blobs/run-store.ts';
import { BullResumeQueue } from './bullmq/resume-queue.ts';
import type { Checkpointer } from './core/checkpointer.ts';
import { checkClose, type CloseOptions } from './core/closing.ts';
import type { Clock } from './core/clock.ts';
import { InvalidError, PawlError } from './core/errors.ts';
import { defaultLimits, defaults, limitsWithBlobs } from './core/limits.ts';
import { loggerFor } from './core/log-lines.ts';
import type { Logger } from './core/logger.ts';
import { checkPrefix, checkRunId } from './core/names.ts';
import type { QueueInfo, ResumeQueue, WakeUp } from './core/queue.ts';
import type { OutputSchemas } from './engine/definition/outputs.ts';
import type { ScheduleInfo } from './core/schedules.ts';
import type { Schema } from './core/schema.ts';
import type { RunStore } from './core/store.ts';
import { checkWorkflow, nameOf } from './engine/definition/check-workflow.ts';
import type { EventSchemas, StateOf } from './engine/definition/context.ts';
import { checkOptions } from './engine/definition/options.ts';
import { Attendance } from './engine/runs/attendance.ts';
import { checkFork, type ForkOptions, type ForkPoint, prepareFork } from './engine/runs/fork.ts';
import { health, type Health, type HealthOptions } from './engine/worker/health.ts';
import { RunHandle } from './engine/runs/run-handle.ts';
import type { WorkflowEvent } from './engine/runs/workflow-events.ts';
import { type StartItem, startMany, type StartOutcome } from './engine/runs/start-many.ts';
import { startRun, type StartParts } from './engine/runs/start.ts';
import { saveSchedule, type ScheduleOptions } from './engine/schedules/save.ts';
import type { StartOptions } from './engine/definition/start-options.ts';
import { StoreCheckpointer } from './engine/loop/store-checkpointer.ts';
import { systemClock } from './engine/system-clock.ts';
import { newToken } from './engine/token.ts';
import type { WorkerOptions } from './engine/worker/settings.ts';
import { Worker } from './engine/worker/worker.ts';
import type {
  AnyWorkflow,
  StartArguments,
  StartInput,
  Workflow,
} from './engine/definition/workflow.ts';
import { type EncryptionOptions, Keyring } from './encryption/keyring.ts';
import { EncryptedRunStore } from './encryption/run-store.ts';
import { checkHealth, checkOpen, checkParts, checkSchedule, checkWorker } from './option-checks.ts';
import type { OpenOptions, Parts } from './options.ts';
import { Operations } from './operations.ts';
import { RedisRunStore } from './redis/run-store.ts';
import { targetOf } from './redis/target.ts';

/** What all that a pawl makes is given: made once, and passed on as it is. */
interface PawlServices extends StartParts {
  readonly queue: ResumeQueue;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The entry point: starts runs, finds them, and makes workers. Get one with `Pawl.open`, and close it when you are done.
 */
export class Pawl extends Operations implements AsyncDisposable {
  /** For loops that your own code runs, without workflow and worker. */
  readonly checkpointer: Checkpointer;
  readonly #services: PawlServices;
  readonly #workers = new Set<Worker>();
  readonly #attendance: Attendance;
  /** What workflows store is encrypted. */
  readonly isEncrypted: boolean;
  #closing: Promise<void> | undefined;

  private constructor({ store: plain, queue, blobs, ...parts }: Parts, keys: Keyring | undefined) {
    const usual = blobs === undefined ? defaultLimits : limitsWithBlobs;
    const around = { clock: parts.clock ?? systemClock, logger: chosenLogger(parts.logger) };
    const below = blobs === undefined ? plain : withBlobs(plain, blobs, around);
    const services: PawlServices = {
      ...around,
      store: keys === undefined ? below : new EncryptedRunStore(below, keys),
      queue,
      limits: { ...usual, ...parts.limits },
      tracing: parts.tracing,
      newToken,
      wake: (wakeUp) => this.#wake(wakeUp),
    };
    super(services);
    const { store, clock, logger } = services;
    this.#services = services;
    this.#attendance = new Attendance({ fleet: store.fleet, queue, clock, logger });
    this.isEncrypted = keys !== undefined;
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
    const redis = targetOf(options, process.env);
    const logger = chosenLogger(options.logger);
    const prefix = options.prefix ?? defaults.prefix;
    checkPrefix(prefix);
    const keys = keyring(options.encryption, prefix);
    const store = await RedisRunStore.open({ ...options, redis, logger });
    const queue = new BullResumeQueue({
      connect: (purpose) => store.connectionFor(purpose),
      prefix: `{${prefix}}:bull`,
      skipVersionCheck: store.hidesInfo,
      logger,
    });
    return new Pawl({ ...options, store, queue, logger }, keys);
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
    const { id } = await startRun(this.#services, workflow, input, options);
    return this.run(workflow, id);
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
    const { id } = await startRun(services, workflow, undefined, forked);
    return this.run(workflow, id);
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

  /**
   * Ends a schedule; runs it has started go on, also one that it is starting in this moment. False when the workflow has
   * none with this id.
   */
  async unschedule(workflow: { readonly name: string }, id: string): Promise<boolean> {
    const name = nameOf(workflow);
    checkRunId(id, 'schedule id');
    return this.#services.store.schedules.remove(name, id);
  }

  /** The schedules of a workflow, or all, in the order of their ids: when they are due, and what they have left out. */
  async schedules(workflow?: { readonly name: string }): Promise<readonly ScheduleInfo[]> {
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
    if (typeof first !== 'string') checkWorkflow(first);
    const workflow = typeof first === 'string' ? undefined : first;
    if (workflow !== undefined) checkWorkflow(workflow);
    return new RunHandle(id, this.#services, { workflow, attendance: this.#attendance });
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
    const { store, queue } = this.#services;
    const workers = await store.fleet.workers();
    const names = new Set(workers.flatMap(({ workflows }) => Object.keys(workflows)));
    const asked = [...names].toSorted().map(async (workflow) => queue.inspect?.(workflow));
    return (await Promise.all(asked)).filter((info) => info !== undefined);
  }

  /**
   * Whether runs go on, with the reasons when they do not, for the health check of a service. Answers in `timeoutMs` even
   * when Redis hangs; never rejects because of it.
   * @throws InvalidError for a bad time.
   */
  async health(options: HealthOptions = {}): Promise<Health> {
    checkHealth(options, 'health options');
    const own = [...this.#workers].map(({ id, readiness }) => ({ id, readiness }));
    return health({ store: this.#services.store, own }, options);
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

/** Encryption stands around it: see the head of `blobs/run-store.ts`. */
function withBlobs(
  store: RunStore,
  options: BlobOptions,
  around: { readonly clock: Clock; readonly logger: Logger },
): RunStore {
  return new BlobRunStore(store, {
    blobs: options.store,
    overBytes: largeOver(options),
    ...around,
  });
}

/** What goes wrong must be seen by those who have not thought of a logger yet. */
function chosenLogger(given: Logger | false | undefined): Logger {
  return loggerFor(given, { host: process, out: console, now: () => new Date() });
}

/** @throws InvalidError for a bad key. `scope`: values of one are not readable in another. */
function keyring(options: EncryptionOptions | undefined, scope: string): Keyring | undefined {
  return options === undefined ? undefined : new Keyring(options, scope);
}
