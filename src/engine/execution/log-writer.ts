/**
 * The one way events of a claimed run get into its log.
 *
 * Group commit: a commit is sent as soon as there is something to write and none is in flight; whatever arrives while one
 * is in flight travels together in the next. So a lone event pays one round trip, and a crowd shares one.
 *
 *   open ──finish──▶ ending ──committed──▶ released
 *    │ ▲
 *    │ └─reclaimed── parked ◀──committed── parking ◀──park── (nothing left to write; back to open: a message has come)
 *    │
 *    ├─ a snapshot was refused ─▶ refused: nothing is taken any more but `finish`
 *    ├─ handBack ───────────────▶ leaving ──committed──▶ lost
 *    └─ fenced, missing, rewound, damaged, closed ─▶ lost: nothing is written any more
 *
 * While it is being parked, or is parked, nothing is folded: what is submitted then comes after the claim with which the run
 * is this worker's again, and has its place in the log behind it.
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
import type { ErrorCode, PawlError } from '../../core/errors.ts';
import type { NewEvent } from '../../core/event.ts';
import type { FoldEvent } from '../../core/fold.ts';
import type {
  CommitOutcome,
  CommitParams,
  Ownership,
  Release,
  SnapshotDelta,
} from '../../core/store.ts';
import { type Persisted, persist, persistAgain } from './commit-retry.ts';
import { fenced, letGo } from './let-go.ts';
import { never } from './never.ts';
import { giveBackRewound, detectRewind, type RewoundRun } from './rewind.ts';
import type { ExecutionServices } from './services.ts';
import {
  eventsOf,
  type PendingCheckpoint,
  type SentBatch,
  type Submission,
  Submissions,
  type SubmitOptions,
  takenBy,
} from './submissions.ts';
import type { Loss } from './telemetry.ts';
import { follow, type WriterMode } from './writer-mode.ts';
import { toEvent, toFoldEvent, type Write } from './writes.ts';
import type { WriterOwner, WrittenRun } from './written-run.ts';

type Services = Pick<
  ExecutionServices,
  'store' | 'worker' | 'clock' | 'logger' | 'newToken' | 'settings'
>;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const noMessages: readonly string[] = [];
const ignore = (): void => undefined;

export class LogWriter {
  readonly #services: Services;
  readonly #run: WrittenRun;
  readonly #owner: WriterOwner;
  #ownership: Ownership;
  #mode: WriterMode = 'open';
  readonly #submissions = new Submissions();
  #checkpoints: PendingCheckpoint[] = [];
  #seq: number;
  #version = 0;
  #isFlushing = false;
  /** One at most. */
  #sent: SentBatch | undefined;
  #release: Release | undefined;
  #refusal: unknown;
  #loss: Loss | undefined;
  #hasWritten = false;
  #onHandedBack: () => void = ignore;
  /** The answer to a commit that parks. */
  #parking: Promise<unknown> = Promise.resolve();
  /** Each lets a write go on that came while the run was parked, or was about to be. */
  #deferred: (() => void)[] = [];

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

  /** It is parked, or is about to be. */
  get isAway(): boolean {
    return this.#mode === 'parking' || this.#mode === 'parked';
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
    if (this.isAway)
      detach(
        this.#whenOpen(() => this.piggyback(write)),
        this.#onBroken,
      );
    if (this.#mode !== 'open') return;
    this.#fold([write]);
    this.#enqueue([write], { isPiggyback: true, resolve: ignore, reject: ignore });
  }

  /**
   * Folds events and commits them together. Resolves with the seq of the last one when durable; never when the run is lost.
   * @throws at once, with nothing changed, when a reducer refuses; what a snapshot was refused for, from then on.
   */
  submit(
    writes: readonly Write[],
    { taken = noMessages, isOthers = taken.length > 0 }: SubmitOptions = {},
  ): Promise<number> {
    if (this.#mode === 'refused') throw this.#refusal;
    if (this.isAway) return this.#whenOpen(() => this.submit(writes, { taken, isOthers }));
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
    if (this.isAway) return this.#whenOpen(() => this.checkpoint(writes, mark));
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
    this.#setMode('parking');
    this.#isFlushing = true;
    const piggybacks = this.#submissions.takePiggybacks();
    const params = { ...this.#params(eventsOf(piggybacks)), release };
    const beganAt = this.#run.telemetry.commitBegins();
    const answer = persist(params, this.#services, this.#isWanted);
    this.#parking = answer;
    const outcome = await answer;
    this.#isFlushing = false;
    if (!this.isAway) return 'parked';
    if (outcome === undefined) {
      this.#letGo('closed', 'PAWL_CLOSED', 'pawl is closed');
      return 'parked';
    }
    if (outcome.outcome === 'unread') {
      this.#submissions.putBack(piggybacks);
      this.#open();
      this.#flushSoon();
      return outcome.asked === true ? 'asked' : 'unread';
    }
    if (this.#settle(outcome, { batch: piggybacks, params, beganAt })) this.#setMode('parked');
    return 'parked';
  }

  /** The parked run is this worker's again, and nobody has written to it but the claim itself. */
  reclaimed(ownership: Ownership, claimed: FoldEvent): void {
    this.#open();
    this.#ownership = ownership;
    this.#run.fold.apply(claimed);
    this.#seq += 1;
  }

  #open(): void {
    this.#setMode('open');
    for (const goOn of this.#deferred.splice(0)) goOn();
  }

  /**
   * Undefined when what is submitted is folded at once. Else the run is away, or about to be: resolves when it is this
   * worker's again; never, when that does not come.
   */
  opened(): Promise<void> | undefined {
    return this.isAway ? this.#whenOpen(ignore) : undefined;
  }

  /** Writes when the run is this worker's again; never, when that does not come. */
  async #whenOpen<T>(write: () => T | Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => this.#deferred.push(resolve));
    return write();
  }

  /** The run, parked or not, is not this worker's any more; one that is being let go of finds out by itself. */
  forfeit(loss: 'fenced' | 'deleted' = 'fenced'): void {
    if (this.#mode !== 'open' && !this.isAway) return;
    if (loss === 'fenced') this.#letGo(loss, 'PAWL_FENCED', 'another worker has it');
    else this.#letGo(loss, 'PAWL_RUN_NOT_FOUND', 'the run was deleted');
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
    if (this.#mode === 'parking') return this.#parking.then(() => this.handBack());
    if (this.#mode !== 'open') return Promise.resolve();
    this.#setMode('leaving');
    this.#release = { status: 'queued', resendMs: this.#services.settings.resendMs };
    return new Promise((resolve) => {
      this.#onHandedBack = resolve;
      this.#flush();
    });
  }

  #letGo(loss: Loss, code: ErrorCode, why: string): void {
    this.#abandon(loss, letGo(code, this.#ownership.run, why));
  }

  /** Stops writing, without a word to the store: the process is going down, or the run is somebody else's. */
  #abandon(loss: Loss, reason: PawlError): void {
    if (this.#mode === 'lost') return;
    this.#setMode('lost');
    this.#loss = loss;
    this.#submissions.clear();
    this.#checkpoints = [];
    this.#deferred = [];
    this.#onHandedBack();
    this.#owner.onLost(loss, reason);
  }

  #setMode(next: WriterMode): void {
    this.#mode = follow(this.#mode, next);
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
    this.#letGo('closed', 'PAWL_CLOSED', `of an error in pawl: ${String(error)}`);
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
    const taken = takenBy(batch);
    if (taken.length > 0) params.taken = taken;
    if (snapshot !== undefined) params.snapshot = snapshot;
    if (release !== undefined) params.release = release;
    const beganAt = this.#run.telemetry.commitBegins();
    this.#sent = { params, checkpoints, beganAt, isLeaving, batch: isLeaving ? [] : batch };
    this.#services.store.commit(params).then(this.#onAnswer, this.#onNoAnswer);
  }

  readonly #onAnswer = (outcome: Persisted): void => {
    try {
      const sent = this.#sent;
      this.#sent = undefined;
      if (sent !== undefined) this.#answered(outcome, sent);
    } catch (error) {
      this.#onBroken(error);
      return;
    }
    this.#flushOn();
  };

  /** Seldom: nearly always the first try finds an answer, and each step would pay for a promise more. */
  readonly #onNoAnswer = async (error: unknown): Promise<void> => {
    if (this.#sent === undefined) return;
    const about = { through: this.#services, isWanted: this.#isWanted };
    try {
      this.#onAnswer(await persistAgain(this.#sent.params, error, about));
    } catch (broken) {
      this.#onBroken(broken);
    }
  };

  #answered(outcome: Persisted, sent: SentBatch): void {
    if (outcome === undefined) {
      this.#letGo('closed', 'PAWL_CLOSED', 'pawl is closed');
      return;
    }
    const { checkpoints, params, isLeaving } = sent;
    const { release } = params;
    if (!this.#settle(outcome, sent)) return;
    if (release !== undefined && isLeaving) {
      this.#letGo('handed-back', 'PAWL_CLOSED', 'it is handed back');
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
    { batch, params, beganAt }: Pick<SentBatch, 'batch' | 'params' | 'beganAt'>,
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
        this.#letGo('deleted', 'PAWL_RUN_NOT_FOUND', 'the run was deleted');
        return false;
      case 'unread':
        throw new Error('A commit that does not park was refused for a message.');
      case 'conflict':
        detach(
          giveBackRewound(this.#services, this.#rewound(), this.#seq, outcome.seq),
          this.#onUndecided,
        );
        this.#letGo('rewound', 'PAWL_REWOUND', 'Redis lost acknowledged events');
        return false;
      case 'damaged':
        this.#abandon('damaged', outcome.error);
        return false;
    }
  }

  #fenced(outcome: Extract<CommitOutcome, { outcome: 'fenced' }>): PawlError {
    const { sessionMs } = this.#services.settings;
    return fenced(this.#ownership, outcome, { session: this.#owner.session, sessionMs });
  }

  #rewound(): RewoundRun {
    const { codeVersion, fold } = this.#run;
    const { bookkeeping } = fold;
    const effects = this.#owner.openEffects();
    return { codeVersion, ownership: this.#ownership, effects, bookkeeping };
  }
}
