/**
 * One claimed run, from the wake-up to the release.
 *
 *   wake-up ──claim──▶ replay ──▶ handler ──▶ last commit: completed | failed
 *              │          │          │
 *              │          │          ├─ lost (fenced, rewound, deleted): the handler is left where it stands
 *              │          │          └─ handed back (the worker is closing): queued, with a snapshot
 *              │          └─ unreadable log, state, input or message: quarantined, untouched
 *              └─ not ours (held, stale, ended …): nothing to do
 *
 * A crash at any point leaves the run in the store as `running` under this worker; the sweeper finds it and another worker
 * starts at the wake-up again. Nothing in this file is needed for that.
 */
import type { Clock } from '../../core/clock.ts';
import { decode, encode } from '../../core/codec.ts';
import { recordError } from '../../core/error-record.ts';
import { PawlError, StepError } from '../../core/errors.ts';
import type { ResumedData } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import type { Logger } from '../../core/logger.ts';
import type { Delivery, Report, WakeUp } from '../../core/queue.ts';
import type { ClaimOutcome } from '../../core/store.ts';
import { cancelChildren, tellParentOf } from '../runs/parent-notice.ts';
import { Desk } from './handler-runtime.ts';
import { ExecutionNews, type Loss } from './telemetry.ts';
import { Endings, type EndingsOptions } from './endings.ts';
import { Expiry } from './checkpoint-upkeep.ts';
import { LogWriter } from './log-writer.ts';
import { replay, type Replayed } from '../replay.ts';
import { Snapshotter } from './snapshotter.ts';
import { type Ending, quarantine, setAside, setAsideUnread } from './quarantine.ts';
import type { StartParts } from '../runs/start.ts';
import { recordWrite } from './writes.ts';

export interface ExecutionOptions extends StartParts, EndingsOptions {
  readonly worker: string;
  /** What is said of all workflows; a workflow's own word comes first. */
  readonly resendMs: number;
  readonly replayBudgetMs: number;
  readonly cancelGraceMs: number;
  readonly report: Report;
  readonly loopLagMs: () => number;
  readonly sessionMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Claimed = Extract<ClaimOutcome, { outcome: 'claimed' }>;

const done: Delivery = { outcome: 'done' };
const claimRetryMs = 100;

export class Execution {
  readonly #options: ExecutionOptions;
  readonly #wakeUp: WakeUp;
  readonly #abort = new AbortController();
  /** Resolves when the run is not this worker's any more. */
  readonly #lost: Promise<Loss>;
  #onLost: (loss: Loss, reason: PawlError) => void = () => undefined;
  readonly #expiry: Expiry;
  readonly #endings: Endings;
  #writer: LogWriter | undefined;
  #desk: Desk | undefined;
  #fence: number | undefined;
  #parent: string | undefined;
  #news: ExecutionNews | undefined;
  #handBackWanted = false;
  #askedEarly = false;
  #onCommitted: () => void = () => undefined;
  /** Resolves at the first commit under this claim. */
  readonly progressed = new Promise<void>((resolve) => {
    this.#onCommitted = resolve;
  });

  constructor(wakeUp: WakeUp, options: ExecutionOptions) {
    this.#wakeUp = wakeUp;
    this.#options = options;
    const { store, logger, workflow } = options;
    const parts = { store, logger, run: wakeUp.run };
    this.#endings = new Endings(wakeUp.run, options);
    this.#expiry = new Expiry(parts, workflow.definition.expireCheckpoints);
    this.#lost = new Promise((resolve) => {
      this.#onLost = (loss, reason) => {
        this.#abort.abort(reason);
        resolve(loss);
      };
    });
  }

  /** The claim's fence, for the wake-up of a run that was handed back; undefined before the claim. */
  get fence(): number | undefined {
    return this.#fence;
  }

  get wakeUp(): WakeUp {
    return this.#wakeUp;
  }

  /** True when the run was handed back for another worker. */
  get handedBack(): boolean {
    return this.#writer?.lost === 'handed-back';
  }

  /** Executes the run until it ends, is lost or is handed back. Never rejects for what a handler does. */
  async run(): Promise<Delivery> {
    const { clock } = this.#options;
    const wokenAt = clock.monotonic();
    const claimed = await this.#claim();
    if (claimed === undefined) return done;
    const { fence } = claimed.ownership;
    const { worker, workflow } = this.#options;
    const about = { run: this.#wakeUp.run, workflow: workflow.name, worker, fence };
    const news = new ExecutionNews(about, clock, wokenAt);
    this.#news = news;
    this.#fence = fence;
    const started = clock.monotonic();
    let replayed: Replayed;
    let input: unknown;
    try {
      replayed = await replay(this.#options.store, this.#options.workflow, claimed);
      input = decode(claimed.record.input, { key: `run ${this.#wakeUp.run}, input` });
      const inbox = { key: `run ${this.#wakeUp.run}, inbox` };
      for (const message of claimed.messages) decode(message.data, inbox);
    } catch (error) {
      return setAside(this.#options, claimed, error);
    }
    const replayMs = Math.round((clock.monotonic() - started) * 10) / 10;
    news.claimed({
      ...{ claimMs: started - wokenAt, replayMs, replayedEvents: replayed.events },
      takeover: claimed.takeover,
    });
    return this.#execute(claimed, { ...replayed, replayMs, input, news });
  }

  /** Lets go of the run at its next commit: what is at work may finish first. */
  handBackAtNextCommit(): void {
    this.#handBackWanted = true;
    this.#writer?.handBackAtNextCommit();
  }

  /** Lets go of the run now; bodies at work are told by their signal and their results are not stored. */
  async handBack(): Promise<void> {
    this.#handBackWanted = true;
    await this.#writer?.handBack();
  }

  /** Somebody wants something of this run. It may be told before the answer to the claim has been looked at. */
  asked(): void {
    this.#askedEarly = this.#desk === undefined;
    void this.#desk?.lookForMail();
  }

  async #claim(): Promise<Claimed | undefined> {
    const { store, worker, workflow, logger, newToken, clock } = this.#options;
    const { run, fence } = this.#wakeUp;
    const params = {
      run,
      expectedFence: fence,
      worker,
      codeVersion: workflow.version,
      token: newToken(),
    };
    for (;;) {
      if (this.#handBackWanted) return undefined;
      try {
        const outcome = await store.claim(params);
        if (outcome.outcome === 'claimed') return outcome;
        logger.debug({ run, ...outcome }, 'nothing to claim');
        return undefined;
      } catch (error) {
        if (PawlError.is(error) && error.code === 'PAWL_CORRUPT') {
          await setAsideUnread(this.#options, { run, owner: params.token }, error);
          return undefined;
        }
        if (PawlError.is(error) && error.code === 'PAWL_CLOSED') {
          logger.error({ run, error: String(error) }, 'claim failed');
          return undefined;
        }
        // With the same token a claim that took effect unseen is answered again.
        if (!(PawlError.is(error) && error.code === 'PAWL_NOT_DURABLE')) {
          logger.warn({ run, error: String(error) }, 'claim found no answer, trying again');
        }
        await clock.sleep(claimRetryMs);
      }
    }
  }

  async #execute(claimed: Claimed, replayed: Ready): Promise<Delivery> {
    const { logger } = this.#options;
    const { run } = this.#wakeUp;
    const writer = this.#openWriter(claimed, replayed);
    this.#noteTakeover(writer, claimed, replayed);
    this.#noteTrace(writer, claimed, replayed);
    const desk = this.#openDesk(writer, claimed, replayed);
    const { news } = replayed;
    const ended = news
      .callHandler(() => this.#callHandler(desk, replayed.input))
      .then(async (ending) => {
        await desk.cleanUp();
        return ending;
      });
    const result = await Promise.race([desk.unreadable, ended, this.#lost, desk.graceOver]);
    desk.close();
    if (result === 'cancel-grace-over') {
      logger.warn({ run }, 'a cancelled handler did not end within its grace period');
      const late = this.#endings.failed(new Error('the clean-up took too long'));
      return this.#finish(writer, this.#endings.really(replayed.fold, late));
    }
    if (typeof result === 'string') {
      const { fence } = claimed.ownership;
      const { message } = this.#abort.signal.reason as Error;
      logger.info({ run, fence, loss: result, reason: message }, 'let go of the run');
      this.#news?.released(result);
      return done;
    }
    if ('unreadable' in result) {
      logger.error({ run, error: String(result.unreadable) }, 'message cannot be read, set aside');
      return this.#finish(writer, quarantine(result.unreadable));
    }
    const ending = this.#endings.really(replayed.fold, result);
    if (ending.release.status === 'cancelled' || ending.release.status === 'failed') {
      await this.#endChildren(replayed.fold);
    }
    return this.#finish(writer, ending);
  }

  /** Before the last commit, so that a crash in between ends them the next time. */
  async #endChildren(fold: Fold): Promise<void> {
    const { run } = this.#wakeUp;
    try {
      await cancelChildren(this.#options, run, fold.attached);
    } catch (error) {
      this.#options.logger.warn({ run, error: String(error) }, 'child runs not cancelled');
    }
  }

  #noteTakeover(writer: LogWriter, claimed: Claimed, replayed: Ready): void {
    if (claimed.takeover === undefined) return;
    const { from, reason, detectMs, claimMs } = claimed.takeover;
    const resumed: ResumedData = {
      worker: this.#options.worker,
      from,
      replayMs: replayed.replayMs,
      replayed: replayed.events,
      fromVersion: claimed.record.version,
    };
    writer.ride(recordWrite('run.resumed', resumed));
    const { run, fence } = claimed.ownership;
    this.#options.logger.info(
      { run, fence, reason, detectMs, claimMs, ...resumed },
      'run taken over',
    );
  }

  #noteTrace(writer: LogWriter, { takeover }: Claimed, { news, fold }: Ready): void {
    const trace = this.#options.tracing?.execution({ ...news.about, takeover }, fold.trace);
    if (trace === undefined) return;
    news.traceAs(trace);
    writer.ride(recordWrite('run.traced', { trace: trace.carrier }));
  }

  /** Everything a handler works with, wired together. */
  #openDesk(writer: LogWriter, claimed: Claimed, replayed: Ready): Desk {
    const desk = new Desk({
      ...this.#options,
      ...{ writer, claimed, fold: replayed.fold, lost: this.#abort.signal, news: replayed.news },
    });
    this.#desk = desk;
    if (this.#askedEarly) void desk.lookForMail();
    return desk;
  }

  #openWriter(claimed: Claimed, replayed: Ready): LogWriter {
    const { store, worker, workflow, limits, replayBudgetMs, resendMs, clock, logger, newToken } =
      this.#options;
    const { loopLagMs, sessionMs } = this.#options;
    const snapshotter = new Snapshotter({
      schema: workflow.version,
      limit: limits.stateBytes,
      saved: replayed.saved,
    });
    const writer = new LogWriter({
      ...{
        store,
        worker,
        replayBudgetMs,
        resendMs,
        clock,
        logger,
        newToken,
        loopLagMs,
        sessionMs,
        snapshotter,
      },
      news: replayed.news,
      codeVersion: workflow.version,
      ownership: claimed.ownership,
      fold: replayed.fold,
      tail: { events: replayed.events, bytes: replayed.bytes },
      onLost: this.#onLost,
      onCommitted: () => {
        this.#onCommitted();
        this.#desk?.committed();
      },
      onKept: (count) => this.#expiry.kept(count),
    });
    this.#writer = writer;
    this.#parent = claimed.record.parent;
    this.#expiry.begin(claimed.record.version);
    if (this.#handBackWanted) writer.handBackAtNextCommit();
    return writer;
  }

  /** Calls the handler and turns its end into the run's last events and release. */
  async #callHandler(desk: Desk, input: unknown): Promise<Ending> {
    const { workflow, limits } = this.#options;
    const { run } = this.#wakeUp;
    try {
      const output: unknown = await workflow.definition.run(desk.context, input);
      const [open] = desk.openSteps;
      if (open !== undefined) {
        throw new StepError(
          'PAWL_STEP_NOT_AWAITED',
          { run, step: open },
          `The handler returned while steps were still at work: ${desk.openSteps.join(', ')}. Await every ctx.step.`,
        );
      }
      const bytes = encode(output, 'output', limits.outputBytes);
      return this.#endings.completed(bytes);
    } catch (error) {
      return this.#endings.failed(error);
    }
  }

  async #finish(writer: LogWriter, ending: Ending): Promise<Delivery> {
    await this.#expiry.settle();
    const stored = await Promise.race([
      writer.finish(ending.writes, ending.release).then(
        () => 'stored' as const,
        (error: unknown) => ({ error }),
      ),
      this.#lost,
    ]);
    if (typeof stored === 'object') return this.#finish(writer, this.#endings.failed(stored.error));
    this.#news?.released(stored === 'stored' ? ending.release.status : stored, ending.error);
    if (stored !== 'stored') return done;
    if (this.#parent !== undefined) await tellParentOf(this.#options, this.#wakeUp.run);
    this.#abort.abort(new Error(`run ${this.#wakeUp.run} has ended`));
    if (ending.error === undefined) return done;
    const { logger, workflow } = this.#options;
    logger.warn({ run: this.#wakeUp.run, error: recordError(ending.error).message }, 'run failed');
    return { outcome: 'failed', reason: `run of ${workflow.name} failed` };
  }
}

/** What a handler starts from. */
interface Ready extends Replayed {
  readonly news: ExecutionNews;
  readonly input: unknown;
  readonly replayMs: number;
}
