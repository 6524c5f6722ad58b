/**
 * Everything that a handler works with while a worker holds its run: one of these for each claimed run, wired together.
 */
import type { Clock } from '../core/clock.ts';
import type { Fold } from '../core/fold.ts';
import type { Limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { ClaimOutcome, RunStore } from '../core/store.ts';
import { Cancellation } from './cancellation.ts';
import type { Context } from './context.ts';
import { Effects } from './effects.ts';
import { createContext } from './handler-context.ts';
import type { LogWriter } from './log-writer.ts';
import { Mailbox } from './mailbox.ts';
import { Names } from './names.ts';
import { Steps } from './steps.ts';
import { Waits } from './waits.ts';
import type { AnyWorkflow } from './workflow.ts';
import { recordWrite } from './writes.ts';

export interface DeskOptions {
  readonly store: RunStore;
  readonly workflow: AnyWorkflow;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly cancelGraceMs: number;
  readonly writer: LogWriter;
  readonly claimed: Extract<ClaimOutcome, { outcome: 'claimed' }>;
  readonly fold: Fold;
  /** Ends when the run is not this worker's any more. */
  readonly lost: AbortSignal;
}

export class Desk {
  readonly context: Context;
  /** Resolves when a cancelled handler has had its time to clean up. */
  readonly graceOver: Promise<'cancel-grace-over'>;
  readonly #options: DeskOptions;
  readonly #cancellation: Cancellation;
  readonly #steps: Steps;
  readonly #waits: Waits;
  readonly #mailbox: Mailbox;
  readonly #closed = new AbortController();
  #onGraceOver: () => void = () => undefined;

  constructor(options: DeskOptions) {
    const { store, workflow, limits, clock, logger, random, writer, claimed, fold, lost } = options;
    const { run, fence } = claimed.ownership;
    this.#options = options;
    this.graceOver = new Promise((resolve) => {
      this.#onGraceOver = () => resolve('cancel-grace-over');
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
      deadlineAt: undefined,
      onMail: () => void this.#mailbox.look(),
    });
    const steps = new Steps({
      ...{ run, workflow, writer, names, limits, clock, random, fold, lost, cancellation },
      onIdle: () => waits.look(),
    });
    this.#cancellation = cancellation;
    this.#steps = steps;
    this.#waits = waits;
    this.#mailbox = new Mailbox({
      ...{ run, store, writer, logger },
      onTaken: () => this.#look(),
      onPaused: () => this.#pause(),
    });
    this.context = createContext({
      ...{ run, fence, workflow, writer, steps, waits, limits, storeNow, random, fold, names },
      effects: new Effects({ run, fold, writer, steps, waits }),
      signal: cancellation.signal,
      log: withFields(logger, { run, workflow: workflow.name, fence }),
      checkCancelled: beforeNew,
      progress: () => undefined,
    });
    this.#mailbox.take(claimed.messages);
    this.#look();
  }

  /** Names of the steps whose bodies are at work. */
  get openSteps(): readonly string[] {
    return this.#steps.open;
  }

  async lookForMail(): Promise<void> {
    await this.#mailbox.look();
  }

  /** The handler has ended, or is left where it stands. */
  close(): void {
    this.#closed.abort();
  }

  #look(): void {
    const { fold, clock, cancelGraceMs } = this.#options;
    if (fold.cancel !== undefined && !this.#cancellation.isRequested) {
      const reason = this.#cancellation.request(fold.cancel);
      if (this.#waits.fail(reason)) this.#cancellation.deliver();
      void clock.sleep(cancelGraceMs, this.#closed.signal).then(() => {
        if (!this.#closed.signal.aborted) this.#onGraceOver();
      });
    }
    this.#waits.look();
  }

  #pause(): void {
    const { writer } = this.#options;
    writer.ride(recordWrite('operator.paused', {}));
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
