/**
 * Everything that a handler works with while a worker holds its run: one of these for each claimed run, wired together.
 *
 * Who calls whom. The ring is closed by `deliveries` alone: it notes that something is to be looked at, and looks when the
 * turn of the event loop is over. So no part is called while it calls another.
 *
 *   handler ──▶ context ──▶ steps, effects, children, waits ──submit──▶ writer ──commit──▶ store
 *                                        ▲                               │
 *                                        │ `turn`: results, one by one   │ `onIdle`: everything is stored
 *                                        │                               ▼
 *    inbox: messages ──schedule──▶   deliveries  ◀──schedule──   parkIfWaiting  ◀──`onEnd`── bodies
 *    waits: a time ──schedule──▶         │
 *                                        │ `onQuiet`: all is handed over, the handler has done what follows
 *                                        ▼
 *                                    #onQuiet ──▶ leaving: writer.handBack
 *                                             ──▶ waits.judge ──submit──▶ writer: a wait is over, once more around
 *                                             ──▶ decideParking ──▶ writer.park ──▶ `parked`: the execution lets go
 *
 * The writer calls its execution, which calls `parkIfWaiting`: see `WriterOwner`. Where nothing waits and the run is not let
 * go of, nothing is scheduled. So an awaited step costs no turn of the event loop: test/integration/promises.test.ts.
 */
import type { UndoBegunData } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import { withFields } from '../../core/logger.ts';
import { knownSeqs } from '../../core/known-results.ts';
import type { Request } from '../../core/request.ts';
import { undoing } from '../../core/undo.ts';
import type { Context } from '../definition/context.ts';
import { cancelChildrenOf } from '../runs/family.ts';
import { LazySignal } from '../signals.ts';
import { Answers } from './answers.ts';
import { Bodies, type Body } from './bodies.ts';
import { Cancellation } from './cancellation.ts';
import { Children } from './children.ts';
import { CleanUp } from './clean-up.ts';
import { watchDeadline } from './deadline.ts';
import { Deliveries } from './deliveries.ts';
import { Effects } from './effects.ts';
import { type ContextParts, createContext } from './handler-context.ts';
import { refusalInAnswer } from './in-answer.ts';
import { type Broken, Inbox } from './inbox.ts';
import type { HeldRun, RunOwner } from './held-run.ts';
import { Items } from './items.ts';
import type { LogWriter } from './log-writer.ts';
import { never } from './never.ts';
import { handBackRewound } from './lost-output.ts';
import type { ToldStep } from '../steps-at-work.ts';
import { decideParking, parkedRelease } from './parking.ts';
import { PassedSets } from './passed-sets.ts';
import { ProgressReporter } from './progress.ts';
import { RunOutputs } from './run-outputs.ts';
import type { RunScope } from './scope.ts';
import type { ExecutionServices } from './services.ts';
import { settleBodies } from './settling.ts';
import { overdueSignalWrites } from './signal-writes.ts';
import { Names } from './step-names.ts';
import { Steps } from './steps.ts';
import { Undoing } from './undoing.ts';
import { Undos } from './undos.ts';
import { Waits } from './waits.ts';
import { recordWrite } from './writes.ts';

const stayMsMin = 1_000;

export class HandlerRuntime {
  readonly context: Context;
  readonly answers: Answers;
  /** Undoes what the run has done; undefined while it is the handler's to go on. */
  readonly undoing: Undoing | undefined;
  /** Resolves when the run cannot go on, whatever its handler does: it is to be quarantined, or has failed. */
  readonly broken: Promise<Broken>;
  readonly #services: ExecutionServices;
  readonly #held: HeldRun;
  readonly #owner: RunOwner;
  readonly #cancellation: Cancellation;
  readonly #bodies: Bodies;
  readonly #outputs: RunOutputs;
  readonly #progress: ProgressReporter;
  readonly #deliveries: Deliveries;
  readonly #waits: Waits;
  readonly #inbox: Inbox;
  readonly #sets: PassedSets;
  readonly #told: Undos;
  /** What the undoing of the run began with. */
  readonly #undone: UndoBegunData | undefined;
  readonly #cleanUp = new CleanUp();
  readonly #closed = new LazySignal();
  readonly #children: Children;
  /** Ends when the run is parked: nothing of this process may keep the handler in memory then. */
  #awake = new LazySignal();
  readonly #effects: Effects;
  readonly #storeNow: () => number;
  #onBroken: (broken: Broken) => void = () => undefined;
  #parked: Promise<void>;
  #onParked: () => void = () => undefined;
  /** Bodies that want to begin and must not, because the run is being let go of. */
  #heldBack = 0;
  /** Bodies that begin when it is known that the run is still this worker's. */
  #beginning = 0;
  #isLeaving = false;
  #pauseWanted: Request | undefined;
  #isParking = false;
  #parking: ReturnType<LogWriter['park']> = Promise.resolve('busy');
  #parkedAt = 0;
  #activeAt: number;
  /** For how long nothing must happen before the run is parked: longer after the handler has gone on behind a parking. */
  #stayMs = 0;

  constructor(services: ExecutionServices, held: HeldRun, owner: RunOwner) {
    const { clock, logger } = services;
    const { claimed, claimedAt, workflow, fold, writer, telemetry, lost } = held;
    const { run } = claimed.ownership;
    this.#services = services;
    this.#held = held;
    this.#owner = owner;
    this.broken = new Promise((resolve) => {
      this.#onBroken = resolve;
    });
    this.#parked = this.#nextParking();
    this.#activeAt = clock.monotonic();
    // No clock of this machine is asked what time it is, only how much of it has passed.
    const storeNow = (): number => Math.floor(claimed.now + (clock.monotonic() - claimedAt));
    this.#storeNow = storeNow;
    const cancellation = new Cancellation(run, lost);
    const checkCancelled = (): void => cancellation.check();
    this.#undone = undoing(fold.bookkeeping);
    const isUndoing = this.#undone !== undefined;
    this.#told = new Undos(run, isUndoing);
    const names = new Names({ run, fold, isUndoing, beforeNew: checkCancelled });
    const deliveries = new Deliveries({
      clock,
      known: () => knownSeqs(fold.bookkeeping),
      onQuiet: () => this.#onQuiet(),
      onGiven: (seq) => this.#sets.given(seq),
      isAtWork: () => this.#isAtWork(),
    });
    this.#sets = new PassedSets({
      workflow,
      fold,
      writer,
      deliveries,
      clock,
      limits: services.limits,
    });
    const enter = (): Promise<void> | undefined => this.enter();
    const mayBegin = (within: Body | undefined): Promise<void> | undefined =>
      this.#mayBegin(within);
    const scope: RunScope = {
      run,
      workflow,
      fold,
      writer,
      telemetry,
      names,
      deliveries,
      undos: this.#told,
      isUndoing,
      lost,
      storeNow,
      enter,
    };
    const waits = new Waits(scope, services, claimed.waitedFor);
    const bodies = new Bodies(() => this.parkIfWaiting());
    const outputs = new RunOutputs(scope, services, {
      last: claimed.record.chunks,
      bodies,
      ready: enter,
      onIdle: () => this.parkIfWaiting(),
      onRewound: (found, acknowledged) => {
        const chunks = { found, acknowledged };
        this.#detach(handBackRewound(services, held.writer, { seq: fold.seq, chunks }));
      },
    });
    this.#progress = new ProgressReporter(held, services, () => deliveries.schedule());
    const items = new Items(scope, this.#progress.ofItems);
    const steps = new Steps(scope, services, {
      waits,
      bodies,
      cancellation,
      items,
      mayBegin,
      outputs,
    });
    const effects = new Effects(scope, { steps, waits });
    const { birth } = claimed.record;
    const awake = (): AbortSignal => this.#awake.signal;
    const children = new Children(scope, services, { birth, items, waits, awake });
    this.#cancellation = cancellation;
    this.#deliveries = deliveries;
    this.#bodies = bodies;
    this.#outputs = outputs;
    this.#waits = waits;
    this.#effects = effects;
    this.answers = new Answers(scope, services, {
      isAtWork: () => this.#isAtWork(),
      isOver: (body) => bodies.isOver(body),
      parkIfWaiting: () => this.parkIfWaiting(),
    });
    const cancelChildren = (): Promise<void> =>
      cancelChildrenOf(services, { id: run, fence: writer.ownership.fence }, fold.attached);
    const undoingParts = { scope, clock, steps, effects, cancelChildren };
    this.undoing = this.#undone && new Undoing(undoingParts, this.#undone);
    this.#children = children;
    this.#inbox = new Inbox(scope, services, {
      onTaken: () => this.#onMessages(),
      onPaused: (request) => this.pause(request),
      onBroken: this.#onBroken,
    });
    const parts: ContextParts = {
      scope,
      services,
      steps,
      effects,
      answers: this.answers,
      children,
      waits,
      outputs,
      sets: this.#sets,
      log: withFields(logger, () => {
        return { run, workflow: workflow.name, fence: writer.ownership.fence };
      }),
      checkCancelled,
      onCancel: (call) => this.#cleanUp.add(call),
      progress: (fraction, message) => this.#progress.report({ fraction, message }),
    };
    this.context = createContext(parts, { signal: () => cancellation.signal, prefix: '' });
  }

  /** Resolves when a cancelled handler has had its time to clean up. */
  get graceOver(): Promise<'cancel-grace-over'> {
    return this.#cleanUp.graceOver;
  }

  /** Resolves when the run is parked; the handler may go on all the same. After `goOn` there is another one. */
  get parked(): Promise<void> {
    return this.#parked;
  }

  /** Effects that have begun here and have not completed. */
  get openEffects(): readonly string[] {
    return this.#effects.open;
  }

  /** Takes what came with the claim. The handler is to be called in the same turn. */
  begin(): void {
    const { claimed, workflow, fold, writer } = this.#held;
    const { limits } = this.#services;
    this.#inbox.take(claimed.messages);
    if (claimed.asked) this.answers.poll();
    const { run } = claimed.ownership;
    const overdue = overdueSignalWrites({ run, workflow, limits }, fold);
    if (overdue.length > 0) this.#detach(writer.submit(overdue));
    this.#onMessages();
    this.#watchDeadline();
    this.#deliveries.schedule();
  }

  readInbox(): void {
    this.#inbox.poll();
  }

  /** Everything is stored, or a body has ended: something may follow from it for a run that waits or is left. */
  parkIfWaiting(): void {
    if (this.#isLeaving || this.#waits.size > 0) this.#deliveries.schedule();
  }

  /** Steps whose bodies are at work. */
  get atWork(): readonly ToldStep[] {
    return this.#bodies.atWork;
  }

  /** Lets go of the run as soon as no body is at work: those that are may finish, others do not begin. */
  leave(): void {
    this.#isLeaving = true;
    this.answers.leave();
    this.#deliveries.schedule();
  }

  /** As `deregister`, for as long as it takes; said in the log. */
  pause(request: Request): void {
    if (this.#pauseWanted === undefined) {
      this.#pauseWanted = request;
      this.#held.writer.piggyback(recordWrite('operator.paused', request));
    }
    this.leave();
  }

  /**
   * The handler has ended: bodies that are still at work are told and may end as well, within a bounded time; waits are
   * withdrawn. What the handler has returned or thrown counts in any case.
   */
  async settleBodies(): Promise<void> {
    const { claimed, lost } = this.#held;
    this.#sets.write();
    const { clock, logger } = this.#services;
    const through = { clock, logger, lost, cancellation: this.#cancellation };
    await settleBodies(claimed.ownership.run, this.#bodies, through);
  }

  /** The handler has ended; resolves when what it gave out is stored, and how far it is was told. */
  async settleOutputs(): Promise<void> {
    await Promise.all([this.#progress.settle(), this.#outputs.settleAll()]);
  }

  /** Undoes what the handler asked to have undone when it is cancelled. Never rejects. */
  async cleanUp(): Promise<void> {
    const { fold, claimed } = this.#held;
    const { logger } = this.#services;
    if (fold.cancel === undefined) return;
    this.#cancellation.deliver();
    await this.#cleanUp.run(fold.cancel, { logger, run: claimed.ownership.run });
  }

  /** The handler has ended, or is left where it stands. */
  close(): void {
    this.#awake.abort('over');
    this.#waits.stop();
    this.#outputs.close();
    this.answers.close();
    this.#sets.close();
    this.#deliveries.close();
    this.#closed.abort('over');
  }

  /** The parked run is this worker's again. */
  goOn(messages: Parameters<Inbox['take']>[0]): void {
    const { claimed } = this.#held;
    const { clock, logger } = this.#services;
    this.#parked = this.#nextParking();
    const awayMs = clock.monotonic() - this.#parkedAt;
    if (this.#stayMs === 0) {
      const { run } = claimed.ownership;
      logger.warn(
        { run },
        'the handler went on after its run was parked: it awaits something that is no step, so it keeps its slot for a while',
      );
    }
    this.#stayMs = Math.max(stayMsMin, this.#stayMs * 2, awayMs * 2);
    this.#activeAt = clock.monotonic();
    this.#awake = new LazySignal();
    this.#watchDeadline();
    this.#children.goOn();
    this.#inbox.take(messages);
    this.#inbox.poll();
    this.answers.poll();
    this.#deliveries.schedule();
  }

  /** The seq that the log of the run has reached, as far as this worker knows. */
  get seq(): number {
    return this.#held.fold.seq;
  }

  get fold(): Fold {
    return this.#held.fold;
  }

  /** The handler does something. Undefined when the run is this worker's; else resolves when it is again. */
  enter(): Promise<void> | undefined {
    const refusal = refusalInAnswer();
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#activeAt = this.#services.clock.monotonic();
    // Whether it stays this worker's is known in a moment.
    if (this.#isParking) return this.#parking.then(() => this.enter());
    if (this.#held.writer.isParked) return this.#owner.reclaim();
    return undefined;
  }

  #mayBegin(within: Body | undefined): Promise<void> | undefined {
    let outer = within;
    while (outer?.mayWait === true) outer = outer.within;
    // A body that has begun may finish, with the bodies inside of it.
    if (this.#isLeaving && outer === undefined) {
      this.#heldBack += 1;
      this.#deliveries.schedule();
      return never();
    }
    const entered = this.enter();
    if (entered !== undefined) return this.#isSure(entered.then(() => this.#owner.confirm()));
    const confirmed = this.#owner.confirm();
    return confirmed && this.#isSure(confirmed);
  }

  /** A body is about to begin: the run is not parked meanwhile. */
  async #isSure(confirmed: Promise<void>): Promise<void> {
    this.#beginning += 1;
    await this.#deliveries.holdUp(confirmed);
    this.#beginning -= 1;
  }

  #onMessages(): void {
    const { fold } = this.#held;
    const isNews = !this.#cancellation.isRequested && this.#undone === undefined;
    if (fold.cancel !== undefined && isNews) {
      const reason = this.#cancellation.request(fold.cancel);
      if (this.#waits.fail(reason)) this.#cancellation.deliver();
      const { clock, settings } = this.#services;
      this.#detach(this.#cleanUp.limit(clock, settings.cancelGraceMs, this.#closed.signal));
    }
    this.#deliveries.schedule();
  }

  #onQuiet(): void {
    const { writer } = this.#held;
    if (this.#closed.aborted || writer.isAway || writer.lost !== undefined) return;
    const isTold = this.#told.quiet(this.#undone?.cancel);
    if (isTold) this.#deliveries.schedule();
    if (isTold) return;
    if (this.#isLeaving) {
      this.#letGoIfPossible();
      return;
    }
    this.#sets.quiet();
    // What follows from a wait that is over may be a body that begins: no time to park.
    if (this.#waits.judge()) this.#deliveries.schedule();
    else this.#considerParking();
  }

  #letGoIfPossible(): void {
    const { writer } = this.#held;
    if (!writer.isIdle || this.#isBusy()) return;
    // Plain code of the handler may be at work: it goes on until it wants something.
    const isLeft = this.#heldBack > 0 || this.#waits.size > 0;
    if (isLeft && !this.#progress.holdsUp()) this.#detach(writer.handBack());
  }

  #considerParking(): void {
    const { writer, fold, claimed } = this.#held;
    const parking = decideParking({
      waits: this.#waits.list,
      isBusy:
        this.#isBusy() || this.answers.isBusy || this.#children.isSearching || this.#sets.isInDoubt,
      isIdle: writer.isIdle && !this.#isParking,
      isCancelled: fold.cancel !== undefined && this.#undone === undefined,
      isLeaving: this.#isLeaving,
      deadlineAt: this.#undone === undefined ? claimed.record.deadlineAt : undefined,
      now: this.#storeNow(),
      quietMs: this.#services.clock.monotonic() - this.#activeAt,
      stayMs: this.#stayMs,
    });
    if (parking.park && this.#progress.holdsUp()) return;
    if (parking.park) this.#detach(this.#park(parking.wakeMs));
    else if (parking.retryMs !== undefined) this.#retryParkingIn(parking.retryMs);
  }

  async #park(wakeMs: number | undefined): Promise<void> {
    const { writer } = this.#held;
    this.#isParking = true;
    this.#parking = writer.park(parkedRelease(this.#waits.list, wakeMs));
    const outcome = await this.#parking;
    this.#isParking = false;
    if (outcome === 'unread') this.#inbox.poll();
    if (outcome === 'asked') this.answers.poll();
    if (outcome !== 'parked') this.#deliveries.schedule();
    if (!writer.isParked) return;
    this.#parkedAt = this.#services.clock.monotonic();
    this.#awake.abort('parked');
    this.#waits.stop();
    this.#onParked();
  }

  #nextParking(): Promise<void> {
    return new Promise((resolve) => {
      this.#onParked = resolve;
    });
  }

  #retryParkingIn(ms: number): void {
    const { signal } = this.#awake;
    const look = (): void => (signal.aborted ? undefined : this.#deliveries.schedule());
    this.#detach(this.#services.clock.sleep(ms, signal).then(look));
  }

  #watchDeadline(): void {
    if (this.#undone !== undefined || this.#held.claimed.record.deadlineAt === undefined) return;
    const over = watchDeadline(this.#held, this.#services.clock, {
      storeNow: this.#storeNow,
      signal: this.#awake.signal,
      parked: () => (this.#isParking ? this.#parking : undefined),
      onOver: () => this.#onMessages(),
    });
    this.#detach(over);
  }

  /** The handler stands at something that pawl knows of. */
  #isAtWork(): boolean {
    return this.#waits.size > 0 || this.#bodies.atWork.length > 0;
  }

  /** Nodes of a graph may wait inside of their step. */
  #isBusy(): boolean {
    if (this.#beginning > 0 || !this.#outputs.isIdle) return true;
    return this.#bodies.isBusy((step) => this.#waits.isWaitingIn(step));
  }

  /** Whatever goes wrong beside the handler, the run has failed of it: nobody else would hear of it. */
  #detach(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#onBroken({ kind: 'refused', error }));
  }
}
