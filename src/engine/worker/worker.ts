/**
 * A worker: takes wake-ups from the resume queue and executes runs, as many at a time as it was told.
 *
 *   new ──start──▶ working ──close──▶ closing ──▶ closed
 *                                        │
 *                                        ├─ takes no more wake-ups
 *                                        ├─ each run is handed back at its next commit, after the grace period at once
 *                                        └─ leaves, so that nobody looks for it
 */
import { detach } from '../../core/detached.ts';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../../core/clock.ts';
import { checkClose, type CloseOptions } from '../../core/closing.ts';
import { DefinitionError, PawlError } from '../../core/errors.ts';
import { defaults, type Limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { keepMsOf, type RetentionTimes } from '../../core/retention.ts';
import type { Consumer, Delivery, Pace, Report, ResumeQueue, WakeUp } from '../../core/queue.ts';
import type { RunStore } from '../../core/store.ts';
import type { Tracing } from '../../core/tracing.ts';
import { Execution } from '../execution/execution.ts';
import { Forgotten } from './release-recovery.ts';
import { Hearing, type Readiness } from './queue-probe.ts';
import { encodeRecord } from '../payloads.ts';
import { ParkedHandlers } from './parked-handlers.ts';
import { Session } from './session.ts';
import { ScheduleKeeper } from '../schedules/keeper.ts';
import { CrashIsolation } from './crash-isolation.ts';
import { Sweeper } from './sweeper.ts';
import { newAbortController } from '../signals.ts';
import { tellSteps } from '../steps-at-work.ts';
import { newToken } from '../token.ts';
import { type AnyWorkflow, paceOf } from '../definition/workflow.ts';

/** Times are milliseconds. */
export interface WorkerOptions {
  readonly workflows: readonly AnyWorkflow[];
  /** Runs at work at one time, for each workflow. Default 50. */
  readonly concurrency?: number;
  /** How often the worker shows that it is alive. Default 5 000. */
  readonly beatMs?: number;
  /** How long after its last beat a frozen or cut-off worker counts as lost. Default 15 000. */
  readonly sessionMs?: number;
  /** How often the elected sweeper looks for lost workers and due runs. Default 25. */
  readonly sweepMs?: number;
  /**
   * A run is set aside after so many workers that it has lost in a row, without progress and with no other run under
   * suspicion. Default 3.
   */
  readonly quarantineAfter?: number;
  /** What replaying the events after a snapshot may cost before a new one is taken. Default 2. */
  readonly replayBudgetMs?: number;
  /** How long a cancelled handler may clean up. Default 30 000. */
  readonly cancelGraceMs?: number;
  /** How long runs are kept after their end, by how they ended. A workflow's own `retention` comes first. */
  readonly retention?: RetentionTimes;
  /** How long a run that has ended is kept where no `retention` says so. Default 7 days. */
  readonly keepMs?: number;
  /** Takes runs that newer code has written to: a downgrade on purpose. Default false: they wait for newer code. */
  readonly allowDowngrade?: boolean;
  /** How often an idle worker makes sure that wake-ups reach it. Default 10 000. */
  readonly canaryMs?: number;
}

export interface WorkerParts {
  readonly store: RunStore;
  readonly queue: ResumeQueue;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing?: Tracing | undefined;
  /** Called when the worker is closed. */
  readonly onClosed: () => void;
}

export class Worker implements AsyncDisposable {
  /** Names the worker in the log, in keys and in lists: host, process id and a random part. */
  readonly id: string;
  readonly #options: Required<Omit<WorkerOptions, 'workflows'>>;
  readonly #workflows: ReadonlyMap<string, AnyWorkflow>;
  readonly #parts: WorkerParts;
  readonly #session: Session;
  readonly #schedules: ScheduleKeeper;
  readonly #sweeper: Sweeper;
  readonly #forgotten: Forgotten;
  readonly #executions = new Set<Execution>();
  readonly #parked: ParkedHandlers;
  readonly #isolation: CrashIsolation;
  readonly #started: Promise<void>;
  readonly #hearing: Hearing;
  #consumer: Consumer | undefined;
  #isReady = false;
  #closing: Promise<void> | undefined;
  #onGone: () => void = () => undefined;

  /** Starts at once; `ready` tells when it takes wake-ups. */
  constructor(options: WorkerOptions, parts: WorkerParts) {
    this.#workflows = byName(options.workflows);
    this.#parts = parts;
    this.#options = {
      concurrency: options.concurrency ?? defaults.concurrency,
      beatMs: options.beatMs ?? defaults.beatMs,
      sessionMs: options.sessionMs ?? defaults.sessionMs,
      sweepMs: options.sweepMs ?? defaults.sweepMs,
      quarantineAfter: options.quarantineAfter ?? defaults.quarantineAfter,
      replayBudgetMs: options.replayBudgetMs ?? defaults.replayBudgetMs,
      cancelGraceMs: options.cancelGraceMs ?? defaults.cancelGraceMs,
      keepMs: options.keepMs ?? defaults.keepMs,
      retention: options.retention ?? {},
      canaryMs: options.canaryMs ?? defaults.canaryMs,
      allowDowngrade: options.allowDowngrade ?? false,
    };
    this.id = newWorkerId();
    this.#isolation = new CrashIsolation(parts.clock);
    const { store, queue, clock, logger } = parts;
    const { concurrency, beatMs, sessionMs, sweepMs, quarantineAfter } = this.#options;
    this.#session = new Session({
      ...{ store, clock, logger, concurrency, beatMs, sessionMs },
      worker: this.id,
      workflows: Object.fromEntries(options.workflows.map(({ name, version }) => [name, version])),
      active: () => this.#executions.size,
      atWork: () => tellSteps([...this.#executions].map((one) => [one.wakeUp.run, one.atWork])),
      asked: (run) => this.#ask(run),
      leave: () => this.#drain(),
    });
    this.#parked = new ParkedHandlers({
      fleet: store.fleet,
      clock,
      logger,
      worker: this.id,
      beatMs,
    });
    this.#schedules = new ScheduleKeeper({
      ...{ store, clock, logger, wake: (wakeUp: WakeUp) => this.#wake(wakeUp) },
      keepMs: (workflow) => this.#keepMs(workflow),
    });
    this.#sweeper = new Sweeper({
      ...{ store, queue, clock, logger, sweepMs, sessionMs, quarantineAfter },
      worker: this.id,
      attendSchedules: (lost) => this.#schedules.attend(lost),
      lockMs: defaults.sweeperLockMs,
      resendMs: defaults.resendMs,
      random: Math.random,
    });
    this.#forgotten = new Forgotten({
      ...{ store, queue, clock, logger, quarantineAfter, lookMs: beatMs },
      worker: this.id,
      atWork: () => [...this.#executions].map(({ wakeUp }) => wakeUp.run),
      resendMs: defaults.resendMs,
    });
    this.#hearing = new Hearing({
      ...{ clock, logger, worker: this.id, canaryMs: this.#options.canaryMs },
      workflows: [...this.#workflows.values()].flatMap(withoutRate),
      hasRoom: (workflow) => this.#hasRoom(workflow),
      consumer: () => this.#consumer,
      reopen: () => this.#reopen(),
    });
    this.#started = this.#start();
    // Who does not ask whether it is ready learns it from the log.
    this.#started.catch((error: unknown) => {
      if (this.#closing !== undefined) return;
      logger.error({ worker: this.id, error: String(error) }, 'worker did not start');
    });
  }

  /**
   * Resolves when the worker is registered and takes wake-ups; rejects when it could not start.
   * @throws PawlError `PAWL_CLOSED` when it was closed meanwhile.
   */
  ready(): Promise<void> {
    return this.#started;
  }

  /** Whether the worker takes wake-ups now, and if not, why: for the readiness probe of a deployment. */
  get readiness(): Readiness {
    if (this.#closing !== undefined) return { ready: false, reason: 'it is closing' };
    if (!this.#isReady) return { ready: false, reason: 'it has not started yet' };
    return this.#hearing.readiness;
  }

  /** Runs held now. */
  get active(): number {
    return this.#executions.size;
  }

  /**
   * Stops taking runs and hands those it holds to other workers. Steps at work may finish within `graceMs` (default
   * 10 000); after that their runs are handed back as they are. Never rejects because Redis is away.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkClose(options, 'close options');
    this.#closing ??= this.#close(options.graceMs ?? defaults.graceMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    try {
      await this.#session.begin();
      this.#sweeper.begin();
      this.#forgotten.begin();
      this.#parked.begin();
      this.#consumer = await this.#firstConsumer();
    } catch (error) {
      if (this.#closing === undefined) throw error;
      // Its connections were ended, so the error is about them.
      const why = `Worker ${this.id} was closed before it was ready; it has taken no run.`;
      throw new PawlError('PAWL_CLOSED', why, { cause: error });
    }
    this.#hearing.begin();
    this.#isReady = true;
  }

  /** Redis may be gone in the moment in which the queue connects, and come back. */
  async #firstConsumer(): Promise<Consumer> {
    const { clock, logger } = this.#parts;
    for (let delayMs = consumeAgainMs; ; delayMs = Math.min(delayMs * 2, consumeAgainMsMax)) {
      try {
        return await this.#consume();
      } catch (error) {
        const mayCome = PawlError.is(error) && error.retryable && this.#closing === undefined;
        if (!mayCome) throw error;
        logger.warn({ worker: this.id, error: String(error) }, 'no consumer yet, trying again');
        await clock.sleep(delayMs);
      }
    }
  }

  #hasRoom(workflow: string): boolean {
    const atWork = [...this.#executions].filter(({ wakeUp }) => wakeUp.workflow === workflow);
    const most = this.#workflows.get(workflow)?.definition.concurrency;
    return atWork.length < (most ?? this.#options.concurrency);
  }

  #consume(): Promise<Consumer> {
    return this.#parts.queue.consume({
      workflows: [...this.#workflows.keys()],
      concurrency: this.#options.concurrency,
      paces: pacesOf(this.#workflows),
      handle: (wakeUp, report) => {
        this.#hearing.heard();
        return this.#handle(wakeUp, report);
      },
      retry: (wakeUp) => this.#retry(wakeUp),
    });
  }

  /** A failed job was tried again in a dashboard: so is the run, from where it failed. */
  async #retry(wakeUp: WakeUp): Promise<WakeUp> {
    const { store } = this.#parts;
    const record = await store.record(wakeUp.run);
    // A paused run has not failed: only those who paused it let it go on.
    if (record?.status !== 'failed' && record?.status !== 'quarantined') return wakeUp;
    const outcome = await store.resume(wakeUp.run, encodeRecord({ actor: 'queue dashboard' }));
    return outcome.outcome === 'resumed' ? outcome.wakeUp : wakeUp;
  }

  /** How long a run is kept that is cancelled before it has begun. */
  #keepMs(workflow: string): number {
    const own = this.#workflows.get(workflow)?.definition.retention;
    return keepMsOf('cancelled', [own, this.#options.retention], this.#options.keepMs);
  }

  /** Takes wake-ups over new connections; what the old consumer has at work goes on to its end. */
  async #reopen(): Promise<void> {
    const deaf = this.#consumer;
    this.#consumer = await this.#consume();
    const { logger } = this.#parts;
    const left = (error: unknown): void => {
      logger.warn({ worker: this.id, error: String(error) }, 'a consumer was left as it is');
    };
    if (this.#closing !== undefined) detach(this.#consumer.close(), left);
    if (deaf !== undefined) detach(deaf.close(), left);
  }

  async #handle(wakeUp: WakeUp, report: Report): Promise<Delivery> {
    const workflow = this.#workflows.get(wakeUp.workflow);
    // A closing worker takes no runs; the wake-up is sent again, because the run stays due.
    if (workflow === undefined || this.#closing !== undefined) return { outcome: 'done' };
    const { store, clock, logger, limits, tracing } = this.#parts;
    const { keepMs, retention, replayBudgetMs, cancelGraceMs, sessionMs, allowDowngrade } =
      this.#options;
    const execution = new Execution(wakeUp, {
      wake: (other: WakeUp) => this.#wake(other),
      ...{
        store,
        clock,
        logger,
        limits,
        tracing,
        workflow,
        keepMs,
        retention,
        replayBudgetMs,
        cancelGraceMs,
        sessionMs,
        allowDowngrade,
      },
      loopLagMs: () => this.#session.loopLagMs,
      sessionAgeMs: () => this.#session.ageMs,
      sessionLapses: () => this.#session.lapses,
      isClosing: () => this.#closing !== undefined,
      onParked: (run, handler) => this.#parked.add(run, handler),
      onReclaimed: (again, goesOn) => this.#keep(again, goesOn),
      report,
      worker: this.id,
      resendMs: defaults.resendMs,
      newToken,
      random: Math.random,
    });
    this.#executions.add(execution);
    try {
      const delivery = await this.#isolation.run(
        wakeUp,
        () => execution.run(),
        execution.progressed,
      );
      if (execution.handedBack) await this.#wakeOthers(execution);
      return delivery;
    } finally {
      this.#executions.delete(execution);
      this.#onGone();
    }
  }

  /** A handler that was parked goes on: its run is held again, beside the deliveries of the queue. */
  #keep(execution: Execution, goesOn: Promise<void>): void {
    const { logger } = this.#parts;
    this.#executions.add(execution);
    goesOn
      .then(() => (execution.handedBack ? this.#wakeOthers(execution) : undefined))
      .catch((error: unknown) => logger.error({ error: String(error) }, 'a run ended badly'))
      .finally(() => {
        this.#executions.delete(execution);
        this.#onGone();
      });
  }

  /** Resolves when no run is held any more. */
  async #allGone(): Promise<void> {
    while (this.#executions.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onGone = resolve;
      });
    }
  }

  #ask(run: string | undefined): void {
    for (const execution of this.#executions) {
      if (run === undefined || execution.wakeUp.run === run) execution.asked();
    }
  }

  /** Somebody has asked for it from outside: as if this process had closed it. */
  #drain(): void {
    if (this.#closing !== undefined) return;
    const { logger } = this.#parts;
    logger.info({ worker: this.id }, 'asked to leave, closing');
    detach(this.close(), (error) => {
      logger.error({ worker: this.id, error: String(error) }, 'not closed');
    });
  }

  async #wakeOthers({ wakeUp, fence }: Execution): Promise<void> {
    if (fence === undefined) return;
    await this.#wake({ ...wakeUp, fence, deaths: 0 });
  }

  async #wake(wakeUp: WakeUp): Promise<void> {
    try {
      await this.#parts.queue.send(wakeUp, { urgent: true });
    } catch (error) {
      // The run is due, so the sweeper sends the wake-up.
      this.#parts.logger.warn({ ...wakeUp, error: String(error) }, 'wake-up not sent');
    }
  }

  async #close(graceMs: number): Promise<void> {
    const { clock, logger } = this.#parts;
    await this.#started.catch(() => undefined);
    for (const execution of this.#executions) execution.leave();
    this.#isolation.close();
    await within(clock, this.#hearing.end());
    const closed = this.#consumer?.close() ?? Promise.resolve();
    const deadline = newAbortController();
    const ended = Promise.all([closed, this.#allGone()]);
    await Promise.race([ended, clock.sleep(graceMs, deadline.signal)]);
    deadline.abort();
    await within(
      clock,
      Promise.all([...this.#executions].map((execution) => execution.handBack())),
    );
    await within(clock, closed);
    await within(
      clock,
      this.#sweeper.end().then(() => this.#schedules.end()),
    );
    await within(clock, this.#forgotten.end());
    await within(clock, this.#parked.end());
    const left = await within(clock, this.#session.end());
    if (!left)
      logger.warn({ worker: this.id }, 'worker closed without Redis; its session will run out');
    this.#parts.onClosed();
  }
}

const closeStepMs = 2_000;
const consumeAgainMs = 100;
const consumeAgainMsMax = 5_000;

/** Waits for `work`, but not longer than a closing worker should when Redis is away; true when it was done. */
async function within(clock: Clock, work: Promise<unknown>): Promise<boolean> {
  const deadline = newAbortController();
  const done = work.then(
    () => true,
    () => false,
  );
  const result = await Promise.race([
    done,
    clock.sleep(closeStepMs, deadline.signal).then(() => false),
  ]);
  deadline.abort();
  return result;
}

function byName(workflows: readonly AnyWorkflow[]): ReadonlyMap<string, AnyWorkflow> {
  const map = new Map(workflows.map((workflow) => [workflow.name, workflow]));
  if (map.size === 0) throw new DefinitionError('A worker needs at least one workflow.');
  if (map.size < workflows.length) {
    throw new DefinitionError('Two workflows of one worker have the same name.');
  }
  return map;
}

function pacesOf(workflows: ReadonlyMap<string, AnyWorkflow>): Record<string, Pace> {
  return Object.fromEntries(
    [...workflows].flatMap(([name, workflow]) => {
      const pace = paceOf(workflow);
      return pace === undefined ? [] : [[name, pace] as const];
    }),
  );
}

/** The name of a workflow without a rate. */
function withoutRate({ name, definition }: AnyWorkflow): string[] {
  return definition.rate === undefined ? [name] : [];
}

function newWorkerId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, 40);
  return `${host}-${process.pid}-${randomBytes(6).toString('hex')}`;
}
