/**
 * Everything that a handler works with while a worker holds its run: one of these for each claimed run, wired together.
 */
import type { Clock } from '../../core/clock.ts';
import type { CancelRequest } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import type { Logger } from '../../core/logger.ts';
import type { Report } from '../../core/queue.ts';
import type { Request } from '../../core/request.ts';
import type { ClaimOutcome } from '../../core/store.ts';
import { Cancellation } from './cancellation.ts';
import { keepCheckpoint } from './keep-checkpoint.ts';
import { Children } from './children.ts';
import type { Context } from '../definition/context.ts';
import { Effects } from './effects.ts';
import { createContext } from './handler-context.ts';
import type { LogWriter } from './log-writer.ts';
import { Mailbox } from './inbox.ts';
import { Names } from './step-names.ts';
import { type Progress, ProgressReporter } from './progress.ts';
import type { ExecutionNews } from './telemetry.ts';
import type { StartParts } from '../runs/start.ts';
import { overdueSignalWrites } from './signal-writes.ts';
import { Steps } from './steps.ts';
import { timerMsMax, Waits } from './waits.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { recordWrite } from './writes.ts';

export interface DeskOptions extends StartParts {
  readonly workflow: AnyWorkflow;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly cancelGraceMs: number;
  /** Tells the dashboards of the queue. */
  readonly report: Report;
  readonly writer: LogWriter;
  readonly claimed: Extract<ClaimOutcome, { outcome: 'claimed' }>;
  readonly fold: Fold;
  /** Ends when the run is not this worker's any more. */
  readonly lost: AbortSignal;
  readonly news: ExecutionNews;
}

export class Desk {
  readonly context: Context;
  /** Resolves when a cancelled handler has had its time to clean up. */
  readonly graceOver: Promise<'cancel-grace-over'>;
  /** Resolves when a message for the run cannot be read. */
  readonly unreadable: Promise<{ readonly unreadable: unknown }>;
  readonly #options: DeskOptions;
  readonly #cancellation: Cancellation;
  readonly #steps: Steps;
  readonly #waits: Waits;
  readonly #mailbox: Mailbox;
  readonly #undos: ((request: CancelRequest) => unknown)[] = [];
  readonly #closed = new AbortController();
  #onGraceOver: () => void = () => undefined;
  #onUnreadable: (error: unknown) => void = () => undefined;

  constructor(options: DeskOptions) {
    const { store, workflow, limits, clock, logger, random, writer, claimed, fold, lost } = options;
    const { run, fence } = claimed.ownership;
    this.#options = options;
    this.graceOver = new Promise((resolve) => {
      this.#onGraceOver = () => resolve('cancel-grace-over');
    });
    this.unreadable = new Promise((resolve) => {
      this.#onUnreadable = (unreadable) => resolve({ unreadable });
    });
    // The claim changed the status, so that is the store's time of the claim; no clock of this machine is asked.
    const claimedAt = clock.monotonic();
    const storeNow = (): number => claimed.record.changedAt + (clock.monotonic() - claimedAt);
    const cancellation = new Cancellation(run, lost);
    const beforeNew = (): void => cancellation.check();
    const names = new Names({ run, fold, beforeNew });
    const waits = new Waits({
      ...{ run, fold, writer, clock, names, storeNow, signal: lost },
      isBusy: () => this.#isBusy(),
      deadlineAt: claimed.record.deadlineAt,
      onMail: () => void this.#mailbox.look(),
    });
    const steps = new Steps({
      ...{ run, workflow, writer, names, limits, clock, random, fold, lost, cancellation },
      news: options.news,
      onIdle: () => waits.look(),
    });
    const progress = new ProgressReporter(clock, (latest) => this.#report(latest));
    this.#cancellation = cancellation;
    this.#steps = steps;
    this.#waits = waits;
    this.#mailbox = new Mailbox({
      ...{ run, workflow, limits, store, writer, logger, clock, lost },
      onTaken: () => this.#look(),
      onPaused: (request) => this.#pause(request),
      onUnreadable: (error) => this.#onUnreadable(error),
    });
    this.context = createContext({
      ...{ run, fence, workflow, writer, steps, waits, limits, storeNow, random, fold, names },
      effects: new Effects({ run, fold, writer, steps, waits }),
      children: new Children({ run, writer, steps, waits, parts: options, clock: options.clock }),
      signal: cancellation.signal,
      log: withFields(logger, { run, workflow: workflow.name, fence }),
      checkCancelled: beforeNew,
      onCancel: (undo) => this.#undos.push(undo),
      keep: (about) =>
        keepCheckpoint({ store, ownership: claimed.ownership, writer, limits }, about),
      progress: (fraction, message) => progress.report({ fraction, message }),
    });
    this.#mailbox.take(claimed.messages);
    const overdue = overdueSignalWrites({ run, workflow, limits }, fold);
    if (overdue.length > 0) void writer.submit(overdue);
    this.#look();
    void this.#watchDeadline(storeNow);
  }

  /** Names of the steps whose bodies are at work. */
  get openSteps(): readonly string[] {
    return this.#steps.open;
  }

  async lookForMail(): Promise<void> {
    await this.#mailbox.look();
  }

  /** A commit is stored. Nobody may have waited for it, such as for one that takes messages. */
  committed(): void {
    this.#waits.reconsider();
  }

  /** Undoes what the handler asked to have undone when it is cancelled. Never rejects. */
  async cleanUp(): Promise<void> {
    const { fold, claimed, logger } = this.#options;
    if (fold.cancel === undefined) return;
    this.#cancellation.deliver();
    for (const undo of this.#undos.splice(0).toReversed()) {
      try {
        await undo(fold.cancel);
      } catch (error) {
        logger.warn({ run: claimed.ownership.run, error: String(error) }, 'clean-up failed');
      }
    }
  }

  /** The handler has ended, or is left where it stands. */
  close(): void {
    // With a reason, because without one an exception is made, and its stack is dear.
    this.#closed.abort('over');
  }

  #look(): void {
    const { fold } = this.#options;
    if (fold.cancel !== undefined && !this.#cancellation.isRequested) {
      const reason = this.#cancellation.request(fold.cancel);
      if (this.#waits.fail(reason)) this.#cancellation.deliver();
      void this.#limitCleanUp();
    }
    this.#waits.look();
  }

  async #report({ fraction, message = '' }: Progress): Promise<void> {
    const { store, claimed, report, logger } = this.#options;
    report(fraction);
    try {
      await store.progress(claimed.ownership, { fraction, message });
    } catch (error) {
      logger.debug({ run: claimed.ownership.run, error: String(error) }, 'progress not noted');
    }
  }

  /** A run whose time is over is cancelled by itself, and ends as failed. */
  async #watchDeadline(storeNow: () => number): Promise<void> {
    const { claimed, clock, writer, fold } = this.#options;
    const { deadlineAt } = claimed.record;
    if (deadlineAt === undefined) return;
    while (storeNow() < deadlineAt && !this.#closed.signal.aborted) {
      await clock.sleep(Math.min(deadlineAt - storeNow(), timerMsMax), this.#closed.signal);
    }
    if (this.#closed.signal.aborted || fold.cancel !== undefined) return;
    const request: CancelRequest = { reason: 'its time is over', isDeadline: true };
    void writer.submit([recordWrite('run.cancelling', request)]);
    this.#look();
  }

  async #limitCleanUp(): Promise<void> {
    const { clock, cancelGraceMs } = this.#options;
    await clock.sleep(cancelGraceMs, this.#closed.signal);
    if (!this.#closed.signal.aborted) this.#onGraceOver();
  }

  #pause(request: Request): void {
    const { writer } = this.#options;
    writer.ride(recordWrite('operator.paused', request));
    writer.handBackAtNextCommit();
    // With nothing at work there may be no next commit.
    if (!this.#isBusy()) void writer.handBack();
  }

  /** Nodes of a graph may wait inside of their step. */
  #isBusy(): boolean {
    return this.#steps.isBusy((step) => this.#waits.isWaitingIn(step));
  }
}

function withFields(logger: Logger, fields: object): Logger {
  return {
    debug: (more, message) => logger.debug({ ...fields, ...more }, message),
    info: (more, message) => logger.info({ ...fields, ...more }, message),
    warn: (more, message) => logger.warn({ ...fields, ...more }, message),
    error: (more, message) => logger.error({ ...fields, ...more }, message),
  };
}
