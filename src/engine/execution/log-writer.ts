/**
 * The one way events of a claimed run get into its log.
 *
 * Group commit: a commit is sent as soon as there is something to write and none is in flight; whatever arrives while one
 * is in flight travels together in the next. So a lone event pays one round trip, and a crowd shares one.
 *
 *   open ──finish──▶ ending ──committed──▶ released
 *    │ ▲
 *    │ └─reclaimed── parked ◀──park── (nothing left to write)
 *    │
 *    ├─ a snapshot was refused ─▶ refused: nothing is taken any more but `finish`
 *    ├─ handBack ───────────────▶ leaving ──committed──▶ lost
 *    └─ fenced, missing, rewound, damaged, closed ─▶ lost: nothing is written any more
 *
 * The fold equals the log, plus what is in flight. Events are folded together or not at all: when a reducer refuses one of
 * them, neither the fold nor the log has changed. A snapshot is only taken of what is in the log with its commit.
 *
 * Crash before a commit is sent: its events never happened, and nobody was told they had. Crash after: they happened, the
 * next owner folds them. No answer: the same commit is sent again, with the same token, until there is one.
 *
 * A promise given out by `submit` resolves when its events are durable. When the run is lost it never settles: the handler
 * that waits for it must not go on, and must not take the loss for a failure it could handle.
 */
import { detach } from '../../core/detached.ts';
import type { CheckpointMark } from '../../core/checkpoint.ts';
import { type ErrorCode, FencedError, type PawlError, RunError } from '../../core/errors.ts';
import type { NewEvent } from '../../core/event.ts';
import type { Fold, FoldEvent } from '../../core/fold.ts';
import type {
  CommitOutcome,
  CommitParams,
  Ownership,
  Release,
  SnapshotDelta,
} from '../../core/store.ts';
import { type Persisted, persist } from './commit-retry.ts';
import { giveBackRewound, detectRewind, type RewoundRun } from './rewind.ts';
import type { ExecutionServices, SessionView } from './services.ts';
import type { SnapshotSchedule } from './snapshot-schedule.ts';
import {
  eventsOf,
  type PendingCheckpoint,
  type Submission,
  Submissions,
  type SubmitOptions,
} from './submissions.ts';
import type { ExecutionTelemetry, Loss } from './telemetry.ts';
import { toEvent, toFoldEvent, type Write } from './writes.ts';

type Services = Pick<
  ExecutionServices,
  'store' | 'worker' | 'clock' | 'logger' | 'newToken' | 'settings'
>;

/** The run that is written to. */
export interface WrittenRun {
  readonly ownership: Ownership;
  readonly codeVersion: number;
  readonly fold: Fold;
  readonly snapshots: SnapshotSchedule;
  readonly telemetry: ExecutionTelemetry;
}

/** The execution, which is told what becomes of the run. The writer knows none of the parts that submit to it. */
export interface WriterOwner {
  /** For the error that says why a run was lost. */
  readonly session: SessionView;
  /** Effects that have begun and not completed, as this worker knows. */
  readonly openEffects: () => readonly string[];
  readonly onCommitted: (events: readonly NewEvent[]) => void;
  /** Everything submitted is durable. */
  readonly onIdle: () => void;
  /** So many checkpoints were kept. */
  readonly onCheckpoints: (count: number) => void;
  readonly onLost: (loss: Loss, reason: PawlError) => void;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A commit that is under way. */
interface SentBatch {
  readonly params: CommitParams;
  /** Who is told when it is stored. */
  readonly batch: readonly Submission[];
  readonly checkpoints: readonly PendingCheckpoint[];
  readonly beganAt: number;
}

type Mode = 'open' | 'refused' | 'ending' | 'leaving' | 'released' | 'parked' | 'lost';

const following: Readonly<Record<Mode, readonly Mode[]>> = {
  open: ['refused', 'ending', 'leaving', 'parked', 'lost'],
  refused: ['ending', 'lost'],
  ending: ['released', 'refused', 'lost'],
  leaving: ['lost'],
  released: ['lost'],
  parked: ['open', 'lost'],
  lost: [],
};

const noMessages: readonly string[] = [];
const ignore = (): void => undefined;

export class LogWriter {
  readonly #services: Services;
  readonly #run: WrittenRun;
  readonly #owner: WriterOwner;
  #ownership: Ownership;
  #mode: Mode = 'open';
  readonly #submissions = new Submissions();
  #checkpoints: PendingCheckpoint[] = [];
  #seq: number;
  #version = 0;
  #isFlushing = false;
  #release: Release | undefined;
  #refusal: unknown;
  #loss: Loss | undefined;
  #hasWritten = false;
  #onHandedBack: () => void = ignore;

  constructor(services: Services, run: WrittenRun, owner: WriterOwner) {
    this.#services = services;
    this.#run = run;
    this.#owner = owner;
    this.#ownership = run.ownership;
    this.#seq = run.fold.seq;
  }

  get ownership(): Ownership {
    return this.#ownership;
  }

  get lost(): Loss | undefined {
    return this.#loss;
  }

  /** What the run has failed of, whatever its handler makes of it: a snapshot was refused. */
  get refusal(): unknown {
    return this.#refusal;
  }

  get isParked(): boolean {
    return this.#mode === 'parked';
  }

  /** The handler has done something new: what it does from here on is no repetition. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** True when everything submitted is durable. */
  get isIdle(): boolean {
    return !this.#isFlushing && !this.#submissions.isWanted;
  }

  /** Folds an event that will go along with the next commit, whenever that is. */
  piggyback(write: Write): void {
    if (this.#mode !== 'open') return;
    this.#fold([write]);
    this.#enqueue([write], { isPiggyback: true, resolve: ignore, reject: ignore });
  }

  /**
   * Folds events and commits them together. Resolves with the seq of the last one when they are durable; never settles when
   * the run is lost.
   * @throws at once, with nothing changed, when a reducer refuses; what a snapshot was refused for, from then on.
   */
  submit(
    writes: readonly Write[],
    { taken = noMessages, isOthers = taken.length > 0 }: SubmitOptions = {},
  ): Promise<number> {
    if (this.#mode === 'refused') throw this.#refusal;
    if (this.#mode !== 'open') return never();
    this.#fold(writes);
    if (!isOthers) this.#hasWritten = true;
    const { seq } = this.#run.fold;
    return new Promise((resolve, reject) => {
      this.#enqueue(writes, { taken, resolve: () => resolve(seq), reject });
    });
  }

  /**
   * Folds events, commits them and keeps the snapshot taken then as a checkpoint. Resolves with the checkpoint's id when
   * all of it is durable; else as `submit`.
   */
  async checkpoint(
    writes: readonly Write[],
    mark: CheckpointMark,
  ): Promise<{ id: string; seq: number }> {
    const submitted = this.submit(writes);
    if (this.#mode !== 'open') return never();
    const stored = new Promise<string>((resolve, reject) => {
      this.#checkpoints.push({ mark, resolve, reject });
    });
    const [id, seq] = await Promise.all([stored, submitted]);
    return { id, seq };
  }

  /**
   * Lets the run wait. `unread`: a message has come that the owner has not read; `asked`: a question is open; nothing was
   * written. `busy`: there is something to write. `parked`: the run is this worker's only if it claims it again.
   */
  async park(release: Release): Promise<'parked' | 'unread' | 'asked' | 'busy'> {
    if (this.#mode !== 'open' || !this.isIdle) return 'busy';
    this.#isFlushing = true;
    const piggybacks = this.#submissions.takePiggybacks();
    const params = { ...this.#params(eventsOf(piggybacks)), release };
    const beganAt = this.#run.telemetry.commitBegins();
    const outcome = await this.#persist(params);
    this.#isFlushing = false;
    if (outcome === undefined) {
      this.#abandon('closed', this.#ended('PAWL_CLOSED', 'pawl is closed'));
      return 'parked';
    }
    if (outcome.outcome === 'unread') {
      this.#submissions.putBack(piggybacks);
      this.#flushSoon();
      return outcome.asked === true ? 'asked' : 'unread';
    }
    if (this.#settle(outcome, { batch: piggybacks, params, beganAt })) this.#setMode('parked');
    return 'parked';
  }

  /** The parked run is this worker's again, and nobody has written to it but the claim itself. */
  reclaimed(ownership: Ownership, claimed: FoldEvent): void {
    this.#setMode('open');
    this.#ownership = ownership;
    this.#run.fold.apply(claimed);
    this.#seq += 1;
  }

  /** The run, parked or not, is not this worker's any more; one that is being let go of finds out by itself. */
  forfeit(loss: 'fenced' | 'deleted' = 'fenced'): void {
    if (this.#mode !== 'open' && this.#mode !== 'parked') return;
    if (loss === 'fenced') this.#abandon(loss, this.#ended('PAWL_FENCED', 'another worker has it'));
    else this.#abandon(loss, this.#ended('PAWL_RUN_NOT_FOUND', 'the run was deleted'));
  }

  /** The last commit: everything pending, `writes`, and the release, at once. Nothing is written after it. */
  finish(writes: readonly Write[], release: Release): Promise<void> {
    if (this.#mode !== 'open' && this.#mode !== 'refused') return never();
    this.#fold(writes);
    this.#setMode('ending');
    this.#release = release;
    return new Promise((resolve, reject) => this.#enqueue(writes, { resolve, reject }));
  }

  /**
   * Hands the run back for any worker, with what is pending and a snapshot; who waits for that never hears of it. Resolves
   * when nothing of it is under way.
   */
  handBack(): Promise<void> {
    if (this.#mode !== 'open') return Promise.resolve();
    this.#setMode('leaving');
    this.#release = { status: 'queued', resendMs: this.#services.settings.resendMs };
    return new Promise((resolve) => {
      this.#onHandedBack = resolve;
      this.#flush();
    });
  }

  /** Stops writing, without a word to the store: the process is going down, or the run is somebody else's. */
  #abandon(loss: Loss, reason: PawlError): void {
    if (this.#mode === 'lost') return;
    this.#setMode('lost');
    this.#loss = loss;
    this.#submissions.clear();
    this.#checkpoints = [];
    this.#onHandedBack();
    this.#owner.onLost(loss, reason);
  }

  #setMode(mode: Mode): void {
    if (!following[this.#mode].includes(mode)) {
      throw new Error(`A log writer that is ${this.#mode} cannot become ${mode}.`);
    }
    this.#mode = mode;
  }

  #fold(writes: readonly Write[]): void {
    const { fold, snapshots } = this.#run;
    const { clock } = this.#services;
    const started = clock.monotonic();
    const [first] = writes;
    // Nearly always there is one, and nothing to undo when it is refused.
    if (first !== undefined && writes.length === 1) fold.apply(toFoldEvent(first));
    else fold.applyAll(writes.map(toFoldEvent));
    snapshots.reduced(clock.monotonic() - started);
  }

  #enqueue(
    writes: readonly Write[],
    about: Pick<Submission, 'resolve' | 'reject'> &
      Partial<Pick<Submission, 'taken' | 'isPiggyback'>>,
  ): void {
    const { taken = noMessages, isPiggyback = false, resolve, reject } = about;
    this.#submissions.add({ events: writes.map(toEvent), taken, isPiggyback, resolve, reject });
    if (!isPiggyback) this.#flushSoon();
  }

  /** A microtask later, so that what is submitted in one go travels in one commit. */
  #flushSoon(): void {
    if (!this.#isFlushing) queueMicrotask(this.#flush);
  }

  /** Nothing in a flush fails but a mistake in this file: the run is given up rather than the process. */
  readonly #onBroken = (error: unknown): void => {
    this.#isFlushing = false;
    const { logger } = this.#services;
    logger.error({ run: this.#ownership.run, error: String(error) }, 'writer broken');
    this.#abandon('closed', this.#ended('PAWL_CLOSED', `of an error in pawl: ${String(error)}`));
  };

  readonly #flush = (): void => {
    if (!this.#isFlushing) this.#flushOn();
  };

  /** Sends the next batch, whose answer comes here again, or is done. Each step pays for it, so it makes no promise. */
  #flushOn(): void {
    try {
      this.#isFlushing = this.#hasWork();
      if (this.#isFlushing) this.#commitBatch();
      else if (this.#mode === 'open') this.#owner.onIdle();
    } catch (error) {
      this.#onBroken(error);
    }
  }

  #hasWork(): boolean {
    switch (this.#mode) {
      case 'open':
        return this.#submissions.isWanted;
      case 'ending':
      case 'leaving':
        return true;
      default:
        return false;
    }
  }

  #commitBatch(): void {
    const batch = this.#submissions.takeBatch();
    const events = eventsOf(batch);
    const isDrained = this.#submissions.isEmpty;
    const isLeaving = this.#mode === 'leaving';
    const release = isDrained ? this.#release : undefined;
    let snapshot: SnapshotDelta | undefined;
    try {
      // The fold is ahead of a batch that leaves events behind, and a snapshot must not be ahead of the log.
      if (isDrained) snapshot = this.#takeSnapshot(events, isLeaving);
    } catch (error) {
      this.#refuse(batch, error);
      this.#flushOn();
      return;
    }
    const checkpoints = snapshot === undefined ? [] : this.#checkpoints.splice(0);
    const params = this.#params(events);
    const taken = batch.flatMap((pending) => pending.taken);
    if (taken.length > 0) params.taken = taken;
    if (snapshot !== undefined) params.snapshot = snapshot;
    if (release !== undefined) params.release = release;
    const beganAt = this.#run.telemetry.commitBegins();
    const sent = { params, checkpoints, beganAt, batch: isLeaving ? [] : batch };
    const answered = (outcome: Persisted): void => {
      try {
        this.#answered(outcome, sent, isLeaving);
      } catch (error) {
        this.#onBroken(error);
        return;
      }
      this.#flushOn();
    };
    this.#persist(params).then(answered, this.#onBroken);
  }

  #answered(outcome: Persisted, sent: SentBatch, isLeaving: boolean): void {
    if (outcome === undefined) {
      this.#abandon('closed', this.#ended('PAWL_CLOSED', 'pawl is closed'));
      return;
    }
    const { checkpoints, params } = sent;
    const { release } = params;
    if (!this.#settle(outcome, sent)) return;
    if (release !== undefined && isLeaving) {
      this.#abandon('handed-back', this.#ended('PAWL_CLOSED', 'it is handed back'));
      return;
    }
    if (release !== undefined) this.#setMode('released');
    if (isLeaving) return;
    if (checkpoints.length > 0) this.#owner.onCheckpoints(checkpoints.length);
    for (const [n, { resolve }] of checkpoints.entries()) resolve(`${this.#version}-${n}`);
  }

  /**
   * The state is too large for a snapshot. The events of the batch are not in the log and the fold has them, so that the
   * run can only fail: with what was under way before, but without another snapshot.
   */
  #refuse(batch: readonly Submission[], error: unknown): void {
    this.#setMode('refused');
    this.#refusal ??= error;
    this.#release = undefined;
    this.#run.snapshots.stop();
    const refused = this.#submissions.refuse(batch);
    for (const { reject } of [...refused, ...this.#checkpoints.splice(0)]) reject(error);
  }

  #persist(params: CommitParams): Promise<Persisted> {
    return persist(params, this.#services, this.#isWanted);
  }

  readonly #isWanted = (): boolean => this.#mode !== 'lost';

  /** Made bit by bit: spreading objects on every commit shows in a profile. */
  #params(events: readonly NewEvent[]): Writable<CommitParams> {
    const { run, fence, owner } = this.#ownership;
    const token = this.#services.newToken();
    return { run, fence, owner, token, expectedSeq: this.#seq, events };
  }

  #takeSnapshot(events: readonly NewEvent[], isLeaving: boolean): SnapshotDelta | undefined {
    const { snapshots, fold } = this.#run;
    const marks = this.#checkpoints.map(({ mark }) => mark);
    return snapshots.take(fold, { events, upTo: this.#seq + events.length, marks, isLeaving });
  }

  /** The run is let go of all the same; who looks for runs that are held and not at work finds it. */
  readonly #onUndecided = (error: unknown): void => {
    const { logger } = this.#services;
    logger.warn({ run: this.#ownership.run, error: String(error) }, 'lost events not noted');
  };

  /** True when it is stored. */
  #settle(
    outcome: NonNullable<Persisted>,
    { batch, params, beganAt }: Omit<SentBatch, 'checkpoints'>,
  ): boolean {
    const { events } = params;
    switch (outcome.outcome) {
      case 'committed':
        this.#seq += events.length;
        this.#version = outcome.version;
        this.#run.telemetry.committed(params, outcome.seq, beganAt);
        this.#run.snapshots.stored(events);
        this.#owner.onCommitted(events);
        for (const pending of batch) pending.resolve();
        return true;
      case 'fenced':
        detach(detectRewind(this.#services, this.#rewound(), this.#seq), this.#onUndecided);
        this.#abandon('fenced', this.#fenced(outcome));
        return false;
      case 'missing':
        this.#abandon('deleted', this.#ended('PAWL_RUN_NOT_FOUND', 'the run was deleted'));
        return false;
      case 'unread':
        throw new Error('A commit that does not park was refused for a message.');
      case 'conflict':
        detach(
          giveBackRewound(this.#services, this.#rewound(), this.#seq, outcome.seq),
          this.#onUndecided,
        );
        this.#abandon('rewound', this.#ended('PAWL_REWOUND', 'Redis lost acknowledged events'));
        return false;
      case 'damaged':
        this.#abandon('damaged', outcome.error);
        return false;
    }
  }

  #rewound(): RewoundRun {
    const { codeVersion } = this.#run;
    return { codeVersion, ownership: this.#ownership, effects: this.#owner.openEffects() };
  }

  #fenced({ fence, applied }: Extract<CommitOutcome, { outcome: 'fenced' }>): FencedError {
    const { run, fence: held } = this.#ownership;
    const { loopLagMs } = this.#owner.session;
    const { sessionMs } = this.#services.settings;
    return new FencedError(run, { held, current: fence }, { applied, loopLagMs, sessionMs });
  }

  #ended(code: ErrorCode, why: string): RunError {
    const { run } = this.#ownership;
    return new RunError(
      code,
      run,
      `This worker has let go of run ${run}: ${why}. Nothing later is stored.`,
    );
  }
}

/** A promise that never settles holds nothing alive: who waits for it is collected with it. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
