/**
 * A worker: takes wake-ups from the resume queue and executes runs, as many at a time as it was told.
 *
 *   new ──start──▶ working ──close──▶ closing ──▶ closed
 *                                        │
 *                                        ├─ takes no more wake-ups
 *                                        ├─ each run is handed back at its next commit, after the grace period at once
 *                                        └─ leaves, so that nobody looks for it
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { checkClose, type CloseOptions } from '../../core/closing.ts';
import { detach } from '../../core/detached.ts';
import { PawlError } from '../../core/errors.ts';
import { defaults } from '../../core/limits.ts';
import type { Delivery, Report, SendOptions, WakeUp } from '../../core/queue.ts';
import { keepMsOf } from '../../core/retention.ts';
import { type DeliveredRun, Execution, type ExecutionHost } from '../execution/execution.ts';
import { tell } from '../diagnostics.ts';
import type { StartHere } from '../runs-here.ts';
import { settleTurns } from '../runs/turns.ts';
import { ScheduleKeeper } from '../schedules/keeper.ts';
import { newAbortController } from '../signals.ts';
import { CrashIsolation } from './crash-isolation.ts';
import { HeldRuns } from './held-runs.ts';
import { HeldTurns } from './held-turns.ts';
import { ParkedHandlers } from './parked-handlers.ts';
import { QueueConsumer } from './queue-consumer.ts';
import { QueueProbe, type Readiness } from './queue-probe.ts';
import { Forgotten } from './release-recovery.ts';
import type { WorkerServices } from './services.ts';
import { Session } from './session.ts';
import { settingsOf, type WorkerOptions } from './settings.ts';
import { startHere } from './start-here.ts';
import { Sweeper } from './sweeper.ts';
import { inTime } from './in-time.ts';
import { warmUp } from './warm-up.ts';
import { WorkflowSet } from './workflow-set.ts';

/** What a worker is given by the pawl that makes it. */
export type WorkerParts = Pick<
  WorkerServices,
  'store' | 'queue' | 'limits' | 'clock' | 'logger' | 'tracing' | 'newToken' | 'here'
>;

/**
 * Executes runs of its workflows in this process, from `pawl.worker` until `close`. It takes over runs of workers that
 * die.
 */
export class Worker implements AsyncDisposable {
  /** Names the worker in the log, in keys and in lists: host, process id and a random part. */
  readonly id: string;
  readonly #services: WorkerServices;
  readonly #workflows: WorkflowSet;
  readonly #onClosed: () => void;
  readonly #session: Session;
  readonly #schedules: ScheduleKeeper;
  readonly #sweeper: Sweeper;
  readonly #forgotten: Forgotten;
  readonly #runs: HeldRuns;
  readonly #parked: ParkedHandlers;
  readonly #turns: HeldTurns;
  readonly #isolation: CrashIsolation;
  readonly #consumer: QueueConsumer;
  readonly #probe: QueueProbe;
  readonly #host: ExecutionHost;
  readonly #started: Promise<void>;
  #isReady = false;
  #stopOffer: () => void = () => undefined;
  #closing: Promise<void> | undefined;

  /** Starts at once; `ready` tells when it takes wake-ups. `onClosed` is called when the worker is closed. */
  constructor(options: WorkerOptions, parts: WorkerParts, onClosed: () => void) {
    const runs = new HeldRuns(parts.here);
    this.#runs = runs;
    const workflows = new WorkflowSet(options.workflows);
    const isClosing = (): boolean => this.#closing !== undefined;
    this.id = newWorkerId();
    this.#workflows = workflows;
    this.#onClosed = onClosed;
    const services: WorkerServices = {
      store: parts.store,
      queue: parts.queue,
      limits: parts.limits,
      clock: parts.clock,
      logger: parts.logger,
      tracing: parts.tracing,
      newToken: parts.newToken,
      here: parts.here,
      random: Math.random,
      tell,
      asCaller: AsyncLocalStorage.snapshot(),
      worker: this.id,
      wake: (wakeUp, isFair) => this.#wake(wakeUp, { urgent: isFair !== true }),
      settings: settingsOf(options),
    };
    this.#services = services;
    this.#isolation = new CrashIsolation(services.clock);
    this.#session = new Session(services, workflows.versions, {
      active: () => runs.size,
      atWork: () => runs.atWork,
      onNudge: (run, about) => runs.nudge(run, about),
      leave: () => this.#drain(),
    });
    this.#parked = new ParkedHandlers(services);
    this.#turns = new HeldTurns(services, workflows.turnLimits, () => runs.turns);
    this.#schedules = new ScheduleKeeper(services, (workflow) => this.#keepMs(workflow));
    this.#sweeper = new Sweeper(services, (lost) => this.#schedules.attend(lost));
    this.#forgotten = new Forgotten(services, () => runs.ids);
    this.#consumer = new QueueConsumer(services, workflows, {
      isClosing,
      handle: (wakeUp, report, isShort) => this.#handle(wakeUp, report, isShort),
    });
    this.#probe = new QueueProbe(services, workflows.unpaced, {
      hasRoom: (workflow) => this.#hasRoom(workflow),
      consumer: () => this.#consumer.current,
      reopen: () => this.#consumer.reopen(),
    });
    this.#host = {
      session: this.#session,
      isClosing,
      onParked: (run, handler) => this.#parked.add(run, handler),
      onReclaimed: (execution, goesOn) => this.#keep(execution, goesOn),
    };
    this.#started = this.#start();
    // Who does not ask whether it is ready learns it from the log.
    this.#started.catch((error: unknown) => {
      if (isClosing()) return;
      services.logger.error({ worker: this.id, error: String(error) }, 'worker did not start');
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
    return this.#probe.readiness;
  }

  /** Runs held now. */
  get active(): number {
    return this.#runs.size;
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
      this.#turns.begin();
      await this.#consumer.open();
    } catch (error) {
      if (this.#closing === undefined) throw error;
      // Its connections were ended, so the error is about them.
      const why = `Worker ${this.id} was closed before it was ready; it has taken no run.`;
      throw new PawlError('PAWL_CLOSED', why, { cause: error });
    }
    this.#stopOffer = this.#services.here.offer(this.#startHere);
    this.#probe.begin();
    this.#isReady = true;
    detach(warmUp(this.#services, this.#host), (error) => {
      this.#services.logger.debug({ worker: this.id, error: String(error) }, 'not warmed up');
    });
  }

  #hasRoom(workflow: string): boolean {
    const most = this.#workflows.get(workflow)?.definition.concurrency;
    return this.#runs.countOf(workflow) < (most ?? this.#services.settings.concurrency);
  }

  /** How long a run is kept that is cancelled before it has begun. */
  #keepMs(workflow: string): number {
    const own = this.#workflows.get(workflow)?.definition.retention;
    const { retention, keepMs } = this.#services.settings;
    return keepMsOf('cancelled', [own, retention], keepMs);
  }

  /** Runs of the very code that this worker executes: other code of the same name may be of another version. */
  readonly #startHere: StartHere = (workflow, run, make) => {
    const known = this.#workflows.get(workflow.name);
    const mayTake = known === workflow && this.#closing === undefined && this.#isolation.isFree;
    if (!mayTake) return undefined;
    const taker = {
      services: this.#services,
      consumer: this.#consumer.current,
      execute: (delivered: DeliveredRun) => this.#execute(delivered),
      wakeOthers: (wakeUp: WakeUp) => this.#wake(wakeUp, { elsewhere: true }),
    };
    return startHere(taker, known, run, make);
  };

  async #handle(wakeUp: WakeUp, report: Report, isShort = false): Promise<Delivery> {
    if (!isShort) this.#probe.heard();
    const workflow = this.#workflows.get(wakeUp.workflow);
    // A closing worker takes no runs; the wake-up is sent again, because the run stays due.
    if (workflow === undefined || this.#closing !== undefined) return { outcome: 'declined' };
    return this.#execute({ wakeUp, workflow, report });
  }

  #execute(delivered: DeliveredRun): Promise<Delivery> {
    const execution = new Execution(delivered, this.#services, this.#host);
    return this.#runs.hold(execution, async () => {
      const delivery = await this.#isolation.run(
        delivered.wakeUp,
        () => execution.run(),
        execution.progressed,
      );
      await this.#afterwards(execution);
      return delivery;
    });
  }

  /** A handler that was parked goes on: its run is held again, beside the deliveries of the queue. */
  #keep(execution: Execution, goesOn: Promise<void>): void {
    const { logger } = this.#services;
    const held = this.#runs.hold(execution, async () => {
      await goesOn;
      await this.#afterwards(execution);
    });
    detach(held, (error) => logger.error({ error: String(error) }, 'a run ended badly'));
  }

  /** Somebody has asked for it from outside: as if this process had closed it. */
  #drain(): void {
    if (this.#closing !== undefined) return;
    const { logger } = this.#services;
    logger.info({ worker: this.id }, 'asked to leave, closing');
    detach(this.close(), (error) => {
      logger.error({ worker: this.id, error: String(error) }, 'not closed');
    });
  }

  /** A run that was handed back is for others, with its turn; any other turn is given back, unless somebody has the run. */
  async #afterwards(execution: Execution): Promise<void> {
    if (execution.handedBack) await this.#wakeOthers(execution);
    else if (execution.turn !== undefined) await settleTurns(this.#services, [execution.turn]);
  }

  async #wakeOthers({ wakeUp, fence }: Execution): Promise<void> {
    if (fence === undefined) return;
    await this.#wake({ ...wakeUp, fence, losses: 0 }, { urgent: true, elsewhere: true });
  }

  async #wake(wakeUp: WakeUp, how: SendOptions): Promise<void> {
    try {
      await this.#services.queue.send(wakeUp, how);
    } catch (error) {
      // The run is due, so the sweeper sends the wake-up.
      this.#services.logger.warn({ ...wakeUp, error: String(error) }, 'wake-up not sent');
    }
  }

  async #close(graceMs: number): Promise<void> {
    const { clock, logger } = this.#services;
    await this.#started.catch(() => undefined);
    this.#stopOffer();
    this.#runs.leave();
    this.#isolation.close();
    await inTime(clock, this.#probe.end());
    const closed = this.#consumer.close();
    const deadline = newAbortController();
    const ended = Promise.all([closed, this.#runs.allGone()]);
    await Promise.race([ended, clock.sleep(graceMs, deadline.signal)]);
    deadline.abort();
    await inTime(clock, this.#runs.handBack());
    await inTime(clock, closed);
    await inTime(
      clock,
      this.#sweeper.end().then(() => this.#schedules.end()),
    );
    await inTime(clock, this.#forgotten.end());
    await inTime(clock, this.#parked.end());
    await inTime(clock, this.#turns.end());
    const left = await inTime(clock, this.#session.end());
    if (!left)
      logger.warn({ worker: this.id }, 'worker closed without Redis; its session will run out');
    this.#onClosed();
  }
}

function newWorkerId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, 40);
  return `${host}-${process.pid}-${randomBytes(6).toString('hex')}`;
}
