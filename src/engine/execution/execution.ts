/**
 * One claimed run, from the wake-up to the release.
 *
 *   wake-up ──claim──▶ replay ──▶ handler ──▶ last commit: completed | failed
 *              │          │          │
 *              │          │          ├─ parked: the run waits, nothing is held ──goes on──▶ reclaimed, handler
 *              │          │          ├─ lost (fenced, rewound, deleted): the handler is left where it stands
 *              │          │          └─ handed back (the worker is closing): queued, with a snapshot
 *              │          └─ unreadable log, state, input or message: quarantined, untouched
 *              └─ not ours (held, stale, ended, newer …): nothing to do
 *
 * A handler whose run was parked may be at work with something that pawl does not know. When it goes on, this process
 * claims the run again: if nobody has written to it meanwhile, the handler simply goes on; else it is left where it stands,
 * and whoever has the run has called it anew. As long as its handler may go on, a parked run is noted with its worker, so
 * that another one calls it again when this worker dies.
 *
 * A crash at any point leaves the run in the store as `running` under this worker, or noted as parked by it; the sweeper
 * finds it and another worker starts at the wake-up again. Nothing in this file is needed for that.
 */
import { decode, encode } from '../../core/codec.ts';
import type { PawlError } from '../../core/errors.ts';
import type { ResumedData } from '../../core/event.ts';
import { ExecutionProgress } from '../../core/evidence.ts';
import type { Delivery, Report, WakeUp } from '../../core/queue.ts';
import type { ClaimParams, Ownership } from '../../core/store.ts';
import type { Turn } from '../../core/turns.ts';
import { cancelOrphan, payChildrenOf, tellOfEndOf } from '../runs/family.ts';
import { decodeEvent, replay, type Replayed } from '../replay.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import type { ToldStep } from '../steps-at-work.ts';
import { LazySignal } from '../signals.ts';
import { Expiry } from './checkpoint-upkeep.ts';
import { claimRetryMs, type Claimed, claimRun, type FirstRun, turnOf } from './claim.ts';
import { Endings, noteEnding } from './endings.ts';
import { HandlerRuntime } from './handler-runtime.ts';
import type { Nudge } from './held-run.ts';
import type { Broken } from './inbox.ts';
import { LogWriter } from './log-writer.ts';
import { never } from './never.ts';
import { type Ending, failure, quarantine, quarantineRun } from './quarantine.ts';
import type { ExecutionServices, SessionView } from './services.ts';
import { SnapshotSchedule } from './snapshot-schedule.ts';
import { Snapshotter } from './snapshotter.ts';
import { ExecutionTelemetry, type Loss } from './telemetry.ts';
import { recordWrite } from './writes.ts';

/** A wake-up as it was delivered, with the code that knows its workflow. */
export interface DeliveredRun {
  readonly wakeUp: WakeUp;
  readonly workflow: AnyWorkflow;
  readonly first?: FirstRun;
  /** Tells the dashboards of the queue. */
  readonly report: Report;
}

/** The process that holds runs, as its executions see it. */
export interface ExecutionHost {
  readonly session: SessionView;
  readonly isClosing: () => boolean;
  /** The run is parked, and its handler may go on as long as this promise of its is in memory. */
  readonly onParked: (parked: Pick<Ownership, 'run' | 'fence'>, handler: object) => void;
  /** The run was claimed again; the promise ends when it is let go of. */
  readonly onReclaimed: (execution: Execution, goesOn: Promise<void>) => void;
}

/** What a handler starts from. */
interface Ready extends Replayed {
  readonly telemetry: ExecutionTelemetry;
  readonly input: unknown;
  readonly replayMs: number;
  readonly claimedAt: number;
}

/** How a stretch of an execution has ended. */
type Stretch =
  | { readonly kind: 'ended'; readonly ending: Ending }
  | { readonly kind: 'lost'; readonly loss: Loss }
  | { readonly kind: 'parked' }
  | { readonly kind: 'grace-over' }
  | Broken;

const done: Delivery = { outcome: 'done' };

export class Execution {
  readonly #delivered: DeliveredRun;
  readonly #services: ExecutionServices;
  readonly #host: ExecutionHost;
  /** The run is not this worker's any more. */
  readonly #over = new LazySignal();
  /** Resolves when the run is not this worker's any more. */
  readonly #lost: Promise<Loss>;
  #onLost: (loss: Loss, reason: PawlError) => void = () => undefined;
  readonly #expiry: Expiry;
  readonly #endings: Endings;
  #writer: LogWriter | undefined;
  #runtime: HandlerRuntime | undefined;
  #fence: number | undefined;
  /** Its parent, or a hook, is to be told of its end. */
  #tellsEnd = false;
  #turn: Turn | undefined;
  #telemetry: ExecutionTelemetry | undefined;
  #handler: Promise<Ending> = never();
  #reclaiming: Promise<void> | undefined;
  /** Lapses of the session up to which the run is known to be held. */
  #lapses: number;
  #isLeaving = false;
  readonly #nudgedEarly = new Set<Nudge>();
  #onProgress: () => void = () => undefined;
  /** Resolves when the run has made progress under this claim: see `core/evidence.ts`. */
  readonly progressed = new Promise<void>((resolve) => {
    this.#onProgress = resolve;
  });

  constructor(delivered: DeliveredRun, services: ExecutionServices, host: ExecutionHost) {
    this.#delivered = delivered;
    this.#services = services;
    this.#host = host;
    this.#lapses = host.session.lapses;
    const { workflow } = delivered;
    const { run } = delivered.wakeUp;
    this.#endings = new Endings(run, workflow, services);
    this.#expiry = new Expiry(run, workflow.definition.expireCheckpoints, services);
    this.#lost = new Promise((resolve) => {
      this.#onLost = (loss, reason) => {
        this.#over.abort(reason);
        resolve(loss);
      };
    });
  }

  /** The claim's fence, for the wake-up of a run that was handed back; undefined before the claim. */
  get fence(): number | undefined {
    return this.#fence;
  }

  /** The turn that the run was claimed with; undefined for a run without a key. */
  get turn(): Turn | undefined {
    return this.#turn;
  }

  get wakeUp(): WakeUp {
    return this.#delivered.wakeUp;
  }

  /** Steps whose bodies are at work. */
  get atWork(): readonly ToldStep[] {
    return this.#runtime?.atWork ?? [];
  }

  /** True when the run was handed back for another worker. */
  get handedBack(): boolean {
    return this.#writer?.lost === 'handed-back';
  }

  /** Executes the run until it ends, waits, is lost or is handed back. Never rejects for what a handler does. */
  async run(): Promise<Delivery> {
    const { clock, worker, store } = this.#services;
    const { workflow, first } = this.#delivered;
    const { run } = this.wakeUp;
    const wokenAt = clock.monotonic();
    const claimed = await (first === undefined ? this.#claim() : first.claimed());
    if (claimed === undefined) return done;
    const { fence } = claimed.ownership;
    const about = { run, workflow: workflow.name, worker, fence };
    const telemetry = new ExecutionTelemetry(about, this.#services, wokenAt);
    this.#telemetry = telemetry;
    this.#fence = fence;
    this.#turn = turnOf(claimed);
    const claimedAt = clock.monotonic();
    let replayed: Replayed;
    let input: unknown;
    try {
      replayed = await replay(store, workflow, claimed);
      const given = replayed.fold.input ?? claimed.record.input;
      input = decode(given, { key: `run ${run}, input` });
      const inbox = { key: `run ${run}, inbox` };
      for (const message of claimed.messages) decode(message.data, inbox);
    } catch (error) {
      return quarantineRun(this.#services, claimed, error);
    }
    const replayMs = Math.round((clock.monotonic() - claimedAt) * 10) / 10;
    telemetry.claimed({
      claimMs: claimedAt - wokenAt,
      replayMs,
      replayedEvents: replayed.events,
      takeover: claimed.takeover,
    });
    await this.#lookForParent(claimed, replayed);
    if (first !== undefined && !(await first.mayBegin(claimed))) return done;
    this.#open(claimed, { ...replayed, replayMs, claimedAt, input, telemetry });
    return this.#stretch(replayed);
  }

  /** A child that has done nothing yet may have come too late: its parent is gone. Then it is cancelled, as any run is. */
  async #lookForParent({ record, events }: Claimed, { fold }: Replayed): Promise<void> {
    const hasBegun = record.version > 0 || events.length > 20 || events.some(isOwn);
    if (hasBegun || fold.cancel !== undefined) return;
    try {
      if (await cancelOrphan(this.#services, record)) this.#nudgedEarly.add('message');
    } catch (error) {
      const { logger } = this.#services;
      logger.warn({ run: record.id, error: String(error) }, 'parent not looked for');
    }
  }

  /** Lets go of the run when no body is at work: those that are may finish. */
  leave(): void {
    this.#isLeaving = true;
    this.#runtime?.leave();
  }

  /** Lets go of the run now; bodies at work are told by their signal and their results are not stored. */
  async handBack(): Promise<void> {
    this.#isLeaving = true;
    await this.#writer?.handBack();
  }

  /** Somebody wants something of this run. It may be told before the answer to the claim has been looked at. */
  nudge(about: Nudge): void {
    if (this.#runtime === undefined) this.#nudgedEarly.add(about);
    if (about !== 'question') this.#runtime?.readInbox();
    if (about !== 'message') this.#runtime?.answers.poll();
  }

  /** Everything that the handler works with; the handler is called. */
  #open(claimed: Claimed, ready: Ready): void {
    const writer = this.#openWriter(claimed, ready);
    this.#writer = writer;
    this.#tellsEnd = claimed.record.parent !== undefined || claimed.record.onEnd;
    this.#expiry.begin(claimed.record.version);
    this.#noteTakeover(writer, claimed, ready);
    this.#noteTrace(writer, claimed, ready);
    const held = {
      claimed,
      claimedAt: ready.claimedAt,
      workflow: this.#delivered.workflow,
      report: this.#delivered.report,
      writer,
      fold: ready.fold,
      telemetry: ready.telemetry,
      lost: this.#over,
    };
    const runtime = new HandlerRuntime(this.#services, held, {
      confirm: () => this.#confirm(),
      reclaim: () => this.#reclaim(),
    });
    this.#runtime = runtime;
    if (this.#isLeaving) runtime.leave();
    for (const about of this.#nudgedEarly) this.nudge(about);
    runtime.begin();
    this.#handler = this.#services.asCaller(() =>
      ready.telemetry.callHandler(() => this.#callHandler(runtime, ready.input)),
    );
  }

  /** The handler works until the run is released, parked or lost. */
  async #stretch({ fold }: Pick<Replayed, 'fold'>): Promise<Delivery> {
    const writer = this.#writer;
    const runtime = this.#runtime;
    if (writer === undefined || runtime === undefined) return done;
    const { logger } = this.#services;
    const { run } = this.wakeUp;
    const stretch = await Promise.race<Stretch>([
      runtime.broken,
      this.#handler.then((ending) => ({ kind: 'ended', ending })),
      this.#lost.then((loss) => ({ kind: 'lost', loss })),
      runtime.graceOver.then(() => ({ kind: 'grace-over' })),
      runtime.parked.then(() => ({ kind: 'parked' })),
    ]);
    if (stretch.kind === 'parked') {
      this.#telemetry?.released('parked');
      const { run: id, fence } = writer.ownership;
      this.#host.onParked({ run: id, fence }, this.#handler);
      return done;
    }
    runtime.close();
    switch (stretch.kind) {
      case 'lost': {
        const { message } = this.#over.reason as Error;
        const { loss } = stretch;
        logger.info({ run, fence: this.#fence, loss, reason: message }, 'let go of the run');
        this.#telemetry?.released(loss);
        return done;
      }
      case 'unreadable':
        logger.error({ run, error: String(stretch.error) }, 'message cannot be read, quarantined');
        return this.#finish(writer, quarantine(stretch.error), fold);
      case 'refused':
        return this.#finish(
          writer,
          this.#endings.resolveOutcome(fold, this.#endings.failed(stretch.error)),
          fold,
        );
      case 'grace-over': {
        logger.warn({ run }, 'a cancelled handler did not end within its grace period');
        const late = this.#endings.failed(new Error('the clean-up took too long'));
        return this.#finish(writer, this.#endings.resolveOutcome(fold, late), fold);
      }
      case 'ended': {
        const { refusal } = writer;
        const ending = refusal === undefined ? stretch.ending : this.#endings.failed(refusal);
        return this.#finish(writer, this.#endings.resolveOutcome(fold, ending), fold);
      }
    }
  }

  /** Claims the parked run again for the handler that goes on. Never settles when somebody else has it. */
  #reclaim(): Promise<void> {
    this.#reclaiming ??= this.#tryReclaim().finally(() => {
      this.#reclaiming = undefined;
    });
    return this.#reclaiming;
  }

  async #tryReclaim(): Promise<void> {
    const writer = this.#writer;
    const runtime = this.#runtime;
    if (writer === undefined || runtime === undefined || this.#host.isClosing()) return never();
    const { fence, owner: _ } = writer.ownership;
    const claimed = await this.#claim({ expectedFence: fence, reclaim: true });
    if (claimed === undefined) {
      writer.forfeit();
      return never();
    }
    const { events, record, ownership, messages } = claimed;
    const own = events.find(({ seq }) => seq === record.seq);
    const isUntouched = own?.type === 'run.claimed' && record.seq === runtime.seq + 1;
    if (!isUntouched) {
      // Somebody has written to it, such as a person who paused and resumed it: the handler is called anew.
      await this.#giveBack(claimed);
      writer.forfeit();
      return never();
    }
    this.#fence = ownership.fence;
    this.#turn = turnOf(claimed);
    writer.reclaimed(ownership, decodeEvent(own, `run ${ownership.run}`));
    runtime.goOn(messages);
    const goesOn = this.#stretch(runtime).then(() => undefined);
    this.#host.onReclaimed(this, goesOn);
  }

  /** Any worker may call the handler of this run anew. */
  async #giveBack({ ownership, record }: Claimed): Promise<void> {
    const { store, newToken, settings, wake } = this.#services;
    await store.commit({
      ...ownership,
      token: newToken(),
      expectedSeq: record.seq,
      events: [],
      release: { status: 'queued', resendMs: settings.resendMs },
    });
    await wake({ ...this.wakeUp, fence: ownership.fence, losses: 0 });
  }

  /** A worker that may have been frozen looks whether the run is still its own, before a body does anything. */
  #confirm(): Promise<void> | undefined {
    const { ageMs, lapses } = this.#host.session;
    const isSure = ageMs <= this.#services.settings.sessionMs / 2 && lapses === this.#lapses;
    return isSure ? undefined : this.#confirmByLooking();
  }

  async #confirmByLooking(): Promise<void> {
    const { store, logger, clock } = this.#services;
    const { run } = this.wakeUp;
    while (this.#writer?.lost === undefined) {
      const { lapses } = this.#host.session;
      try {
        const record = await store.record(run);
        if (record?.fence === this.#writer?.ownership.fence) {
          this.#lapses = lapses;
          return undefined;
        }
        this.#writer?.forfeit();
      } catch (error) {
        logger.warn({ run, error: String(error) }, 'not known whether the run is still held');
        await clock.sleep(claimRetryMs);
      }
    }
    return never();
  }

  #claim(
    how: Partial<Pick<ClaimParams, 'expectedFence' | 'reclaim'>> = {},
  ): Promise<Claimed | undefined> {
    return claimRun(this.#services, this.#delivered, how, () => !this.#isLeaving);
  }

  #noteTakeover(writer: LogWriter, claimed: Claimed, replayed: Ready): void {
    if (claimed.takeover === undefined) return;
    const { from, reason, detectMs, claimMs } = claimed.takeover;
    const resumed: ResumedData = {
      worker: this.#services.worker,
      from,
      replayMs: replayed.replayMs,
      replayed: replayed.events,
      fromVersion: claimed.record.version,
    };
    writer.piggyback(recordWrite('run.resumed', resumed));
    const { run, fence } = claimed.ownership;
    this.#services.logger.info(
      { run, fence, reason, detectMs, claimMs, ...resumed },
      'run taken over',
    );
  }

  #noteTrace(writer: LogWriter, { takeover }: Claimed, { telemetry, fold }: Ready): void {
    const about = { ...telemetry.about, kind: this.#delivered.workflow.definition.kind, takeover };
    const trace = this.#services.tracing?.execution(about, fold.trace);
    if (trace === undefined) return;
    telemetry.traceAs(trace);
    writer.piggyback(recordWrite('run.traced', { trace: trace.carrier }));
  }

  #openWriter(claimed: Claimed, { saved, fold, events, bytes, telemetry }: Ready): LogWriter {
    const { limits, settings } = this.#services;
    const { version: schema } = this.#delivered.workflow;
    const snapshotter = new Snapshotter({ schema, limit: limits.stateBytes, saved });
    const tail = { events, bytes };
    const budgetMs = settings.replayBudgetMs;
    const snapshots = new SnapshotSchedule({ snapshotter, budgetMs, tail });
    const progress = new ExecutionProgress(claimed.furthest);
    const { ownership } = claimed;
    const written = { ownership, codeVersion: schema, fold, snapshots, telemetry };
    return new LogWriter(this.#services, written, {
      session: this.#host.session,
      openEffects: () => this.#runtime?.openEffects ?? [],
      onIdle: () => this.#runtime?.parkIfWaiting(),
      onCommitted: (committed) => {
        progress.add(committed);
        if (progress.isProven) this.#onProgress();
      },
      onCheckpoints: (count) => this.#expiry.kept(count),
      onLost: this.#onLost,
    });
  }

  /** Calls the handler and turns its end into the run's last events and release. */
  async #callHandler(runtime: HandlerRuntime, input: unknown): Promise<Ending> {
    const { workflow } = this.#delivered;
    const { limits } = this.#services;
    if (runtime.undoing !== undefined) {
      await runtime.undoing.run(() => workflow.definition.run(runtime.context, input));
      return this.#endings.resolveOutcome(runtime.fold, this.#endings.failed(undefined));
    }
    let ending: Ending;
    try {
      const output: unknown = await workflow.definition.run(runtime.context, input);
      ending = this.#endings.completed(encode(output, 'output', limits.outputBytes));
    } catch (error) {
      ending = this.#endings.failed(error);
    }
    // The run may have been parked while the handler was at work with something of its own.
    await runtime.enter();
    await runtime.settleBodies();
    await runtime.cleanUp();
    try {
      await runtime.settleOutputs();
    } catch (error) {
      ending = this.#endings.failed(error);
    }
    return ending;
  }

  async #finish(writer: LogWriter, ending: Ending, fold: Replayed['fold']): Promise<Delivery> {
    await this.#expiry.settle();
    const { status } = ending.release;
    const children = status === 'failed' || status === 'cancelled' ? fold.attached : [];
    const release =
      children.length === 0 ? ending.release : { ...ending.release, cancelsChildren: true };
    const stored = await Promise.race([
      writer.finish(ending.writes, release).then(
        () => 'stored' as const,
        (error: unknown) => ({ error }),
      ),
      this.#lost,
    ]);
    if (typeof stored === 'object') {
      return this.#finish(writer, this.#endings.failed(stored.error), fold);
    }
    this.#telemetry?.released(stored === 'stored' ? status : stored, ending.error);
    if (stored !== 'stored') return done;
    const { run, fence } = writer.ownership;
    this.#services.here.released(run, ending.release);
    if (this.#tellsEnd) await tellOfEndOf(this.#services, run);
    if (children.length > 0) await payChildrenOf(this.#services, { id: run, fence }, children);
    const { name } = this.#delivered.workflow;
    this.#over.abort(() => new Error(`run ${run} has ended`));
    noteEnding(this.#services.logger, { run, workflow: name }, ending);
    if (!('error' in ending)) return done;
    return failure(`run of ${name} failed`, ending.error);
  }
}

/** What a run has in its log before its handler does anything. */
const beginnings = /^(run\.(created|claimed|interrupted|resumed|traced)|operator\..*)$/;

function isOwn({ type }: { readonly type: string }): boolean {
  return !beginnings.test(type);
}
