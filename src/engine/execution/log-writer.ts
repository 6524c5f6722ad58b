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
import type { Clock } from '../../core/clock.ts';
import { type ErrorCode, FencedError, type PawlError, RunError } from '../../core/errors.ts';
import type { NewEvent } from '../../core/event.ts';
import type { Fold, FoldEvent } from '../../core/fold.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type {
  CommitOutcome,
  CommitParams,
  Ownership,
  Release,
  RunStore,
  SnapshotDelta,
} from '../../core/store.ts';
import { type Persisted, persist } from './commit-retry.ts';
import { giveBackRewound, lookForRewind } from './rewind.ts';
import type { SnapshotSchedule } from './snapshot-schedule.ts';
import type { ExecutionNews, Loss } from './telemetry.ts';
import type { Write } from './writes.ts';

export interface LogWriterOptions {
  readonly store: RunStore;
  readonly ownership: Ownership;
  readonly worker: string;
  readonly codeVersion: number;
  readonly fold: Fold;
  readonly snapshots: SnapshotSchedule;
  readonly resendMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly news: ExecutionNews;
  readonly newToken: () => string;
  /** For the error that says why a run was lost. */
  readonly loopLagMs: () => number;
  readonly sessionMs: number;
  /** Effects that have begun and not completed, as this worker knows. */
  readonly openEffects: () => readonly string[];
  readonly onCommitted: (events: readonly NewEvent[]) => void;
  /** Everything submitted is durable. */
  readonly onIdle: () => void;
  /** So many checkpoints were kept. */
  readonly onKept: (count: number) => void;
  readonly onLost: (loss: Loss, reason: PawlError) => void;
}

interface Pending {
  readonly events: readonly NewEvent[];
  /** Messages of the inbox that are among the events. */
  readonly taken: readonly string[];
  /** Goes along with the next commit, but does not cause one. */
  readonly rides: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A checkpoint that waits for the next snapshot. */
interface Keeping {
  readonly mark: CheckpointMark;
  /** With the checkpoint's id. */
  readonly resolve: (id: string) => void;
  readonly reject: (error: unknown) => void;
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
  readonly #options: LogWriterOptions;
  #ownership: Ownership;
  #mode: Mode = 'open';
  #pending: Pending[] = [];
  /** How many of them cause a commit. */
  #wanted = 0;
  #keeping: Keeping[] = [];
  #seq: number;
  #version = 0;
  #isFlushing = false;
  #release: Release | undefined;
  #refusal: unknown;
  #loss: Loss | undefined;
  #hasWritten = false;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#ownership = options.ownership;
    this.#seq = options.fold.seq;
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
    return !this.#isFlushing && this.#wanted === 0;
  }

  /** Folds an event that will go along with the next commit, whenever that is. */
  ride(write: Write): void {
    if (this.#mode !== 'open') return;
    this.#fold([write]);
    this.#enqueue([write], { rides: true, resolve: ignore, reject: ignore });
  }

  /**
   * Folds events and commits them together. Resolves with the seq of the last one when they are durable; never settles when
   * the run is lost.
   * @throws at once, with nothing changed, when a reducer refuses; what a snapshot was refused for, from then on.
   */
  submit(
    writes: readonly Write[],
    { taken = noMessages }: { readonly taken?: readonly string[] } = {},
  ): Promise<number> {
    if (this.#mode === 'refused') throw this.#refusal;
    if (this.#mode !== 'open') return never();
    this.#fold(writes);
    if (taken.length === 0) this.#hasWritten = true;
    const { seq } = this.#options.fold;
    return new Promise((resolve, reject) => {
      this.#enqueue(writes, { taken, resolve: () => resolve(seq), reject });
    });
  }

  /**
   * Folds events, commits them and keeps the snapshot taken then as a checkpoint. Resolves with the checkpoint's id when
   * all of it is durable; else as `submit`.
   */
  async keep(writes: readonly Write[], mark: CheckpointMark): Promise<{ id: string; seq: number }> {
    const submitted = this.submit(writes);
    if (this.#mode !== 'open') return never();
    const kept = new Promise<string>((resolve, reject) => {
      this.#keeping.push({ mark, resolve, reject });
    });
    const [id, seq] = await Promise.all([kept, submitted]);
    return { id, seq };
  }

  /**
   * Lets the run wait. `mail`: a message has come that the owner has not read, and nothing was written. `busy`: there is
   * something to write. `parked`: the run is this worker's only if it claims it again.
   */
  async park(release: Release): Promise<'parked' | 'mail' | 'busy'> {
    if (this.#mode !== 'open' || !this.isIdle) return 'busy';
    this.#isFlushing = true;
    const riders = this.#pending.splice(0);
    const events = eventsOf(riders);
    const outcome = await this.#persist({ ...this.#params(events), release });
    this.#isFlushing = false;
    if (outcome === undefined) {
      this.#abandon('closed', this.#ended('PAWL_CLOSED', 'pawl is closed'));
      return 'parked';
    }
    if (outcome.outcome === 'mail') {
      this.#pending.unshift(...riders);
      this.#flushSoon();
      return 'mail';
    }
    if (this.#settle(outcome, riders, events)) this.#setMode('parked');
    return 'parked';
  }

  /** The parked run is this worker's again, and nobody has written to it but the claim itself. */
  reclaimed(ownership: Ownership, claimed: FoldEvent): void {
    this.#setMode('open');
    this.#ownership = ownership;
    this.#options.fold.apply(claimed);
    this.#seq += 1;
  }

  /** The parked run is not this worker's any more. */
  forfeit(): void {
    this.#abandon('fenced', this.#ended('PAWL_FENCED', 'another worker has gone on with it'));
  }

  /** The last commit: everything pending, `writes`, and the release, at once. Nothing is written after it. */
  finish(writes: readonly Write[], release: Release): Promise<void> {
    if (this.#mode !== 'open' && this.#mode !== 'refused') return never();
    this.#fold(writes);
    this.#setMode('ending');
    this.#release = release;
    return new Promise((resolve, reject) => this.#enqueue(writes, { resolve, reject }));
  }

  /** Hands the run back for any worker, with what is pending and a snapshot; who waits for that never hears of it. */
  async handBack(): Promise<void> {
    if (this.#mode !== 'open') return;
    this.#setMode('leaving');
    this.#release = { status: 'queued', resendMs: this.#options.resendMs };
    await this.#flush();
  }

  /** Stops writing, without a word to the store: the process is going down, or the run is somebody else's. */
  #abandon(loss: Loss, reason: PawlError): void {
    if (this.#mode === 'lost') return;
    this.#setMode('lost');
    this.#loss = loss;
    this.#pending = [];
    this.#wanted = 0;
    this.#keeping = [];
    this.#options.onLost(loss, reason);
  }

  #setMode(mode: Mode): void {
    if (!following[this.#mode].includes(mode)) {
      throw new Error(`A log writer that is ${this.#mode} cannot become ${mode}.`);
    }
    this.#mode = mode;
  }

  #fold(writes: readonly Write[]): void {
    const { clock, fold, snapshots } = this.#options;
    const started = clock.monotonic();
    const [first] = writes;
    // Nearly always there is one, and nothing to undo when it is refused.
    if (first !== undefined && writes.length === 1) fold.apply(toFoldEvent(first));
    else fold.applyAll(writes.map(toFoldEvent));
    snapshots.reduced(clock.monotonic() - started);
  }

  #enqueue(
    writes: readonly Write[],
    about: Pick<Pending, 'resolve' | 'reject'> & Partial<Pick<Pending, 'taken' | 'rides'>>,
  ): void {
    const { taken = noMessages, rides = false, resolve, reject } = about;
    this.#pending.push({ events: writes.map(toEvent), taken, rides, resolve, reject });
    if (rides) return;
    this.#wanted += 1;
    this.#flushSoon();
  }

  /** A microtask later, so that what is submitted in one go travels in one commit. */
  #flushSoon(): void {
    if (!this.#isFlushing) queueMicrotask(() => detach(this.#flush(), this.#onBroken));
  }

  /** Nothing in a flush rejects but a mistake in this file: the run is given up rather than the process. */
  readonly #onBroken = (error: unknown): void => {
    this.#options.logger.error({ run: this.#ownership.run, error: String(error) }, 'writer broken');
    this.#abandon('closed', this.#ended('PAWL_CLOSED', `of an error in pawl: ${String(error)}`));
  };

  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      while (this.#hasWork()) await this.#commitBatch();
    } finally {
      this.#isFlushing = false;
    }
    if (this.#mode === 'open') this.#options.onIdle();
  }

  #hasWork(): boolean {
    switch (this.#mode) {
      case 'open':
        return this.#wanted > 0;
      case 'ending':
      case 'leaving':
        return true;
      default:
        return false;
    }
  }

  async #commitBatch(): Promise<void> {
    const batch = this.#takeBatch();
    const events = eventsOf(batch);
    const isDrained = this.#pending.length === 0;
    const isLeaving = this.#mode === 'leaving';
    const release = isDrained ? this.#release : undefined;
    let snapshot: SnapshotDelta | undefined;
    try {
      // The fold is ahead of a batch that leaves events behind, and a snapshot must not be ahead of the log.
      if (isDrained) snapshot = this.#takeSnapshot(events, isLeaving);
    } catch (error) {
      this.#refuse(batch, error);
      return;
    }
    const kept = snapshot === undefined ? [] : this.#keeping.splice(0);
    const params = this.#params(events);
    const taken = batch.flatMap((pending) => pending.taken);
    if (taken.length > 0) params.taken = taken;
    if (snapshot !== undefined) params.snapshot = snapshot;
    if (release !== undefined) params.release = release;
    const outcome = await this.#persist(params);
    if (outcome === undefined) {
      return this.#abandon('closed', this.#ended('PAWL_CLOSED', 'pawl is closed'));
    }
    const isStored = this.#settle(outcome, isLeaving ? [] : batch, events);
    if (!isStored) return;
    if (release !== undefined && isLeaving) {
      this.#abandon('handed-back', this.#ended('PAWL_CLOSED', 'it is handed back'));
      return;
    }
    if (release !== undefined) this.#setMode('released');
    if (isLeaving) return;
    if (kept.length > 0) this.#options.onKept(kept.length);
    for (const [n, { resolve }] of kept.entries()) resolve(`${this.#version}-${n}`);
  }

  /**
   * The state is too large for a snapshot. The events of the batch are not in the log and the fold has them, so that the
   * run can only fail: with what was under way before, but without another snapshot.
   */
  #refuse(batch: readonly Pending[], error: unknown): void {
    this.#setMode('refused');
    this.#refusal ??= error;
    this.#release = undefined;
    this.#options.snapshots.stop();
    const refused = [...batch, ...this.#pending].filter(({ rides }) => !rides);
    // What others want of the run is still noted.
    this.#pending = [...batch, ...this.#pending].filter(({ rides }) => rides);
    this.#wanted = 0;
    for (const { reject } of [...refused, ...this.#keeping.splice(0)]) reject(error);
  }

  #persist(params: CommitParams): Promise<Persisted> {
    const send = () => persist(params, this.#options, () => this.#mode !== 'lost');
    return this.#options.news.commit(params, send);
  }

  /** Made bit by bit: spreading objects on every commit shows in a profile. */
  #params(events: readonly NewEvent[]): Writable<CommitParams> {
    const { run, fence, owner } = this.#ownership;
    const token = this.#options.newToken();
    return { run, fence, owner, token, expectedSeq: this.#seq, events };
  }

  #takeBatch(): Pending[] {
    let events = 0;
    let bytes = 0;
    let count = 0;
    for (const pending of this.#pending) {
      events += pending.events.length;
      for (const event of pending.events) bytes += event.data.length;
      const full = events > fixedLimits.eventsPerCommit || bytes > fixedLimits.bytesPerCommit;
      if (full && count > 0) break;
      count += 1;
    }
    const batch = this.#pending.splice(0, count);
    for (const { rides } of batch) if (!rides) this.#wanted -= 1;
    return batch;
  }

  #takeSnapshot(events: readonly NewEvent[], isLeaving: boolean): SnapshotDelta | undefined {
    const { snapshots, fold } = this.#options;
    const marks = this.#keeping.map(({ mark }) => mark);
    return snapshots.take(fold, { events, upTo: this.#seq + events.length, marks, isLeaving });
  }

  /** The run is let go of all the same; who looks for runs that are held and not at work finds it. */
  readonly #onUntold = (error: unknown): void => {
    const { logger } = this.#options;
    logger.warn({ run: this.#ownership.run, error: String(error) }, 'lost events not noted');
  };

  /** True when it is stored. */
  #settle(
    outcome: NonNullable<Persisted>,
    batch: readonly Pending[],
    events: readonly NewEvent[],
  ): boolean {
    switch (outcome.outcome) {
      case 'committed':
        this.#seq += events.length;
        this.#version = outcome.version;
        this.#options.snapshots.stored(events);
        this.#options.onCommitted(events);
        for (const pending of batch) pending.resolve();
        return true;
      case 'fenced':
        detach(lookForRewind(this.#rewind(), this.#seq), this.#onUntold);
        this.#abandon('fenced', this.#fenced(outcome));
        return false;
      case 'missing':
        this.#abandon('deleted', this.#ended('PAWL_RUN_NOT_FOUND', 'the run was deleted'));
        return false;
      case 'mail':
        throw new Error('A commit that does not park was refused for a message.');
      case 'conflict':
        detach(giveBackRewound(this.#rewind(), this.#seq, outcome.seq), this.#onUntold);
        this.#abandon('rewound', this.#ended('PAWL_REWOUND', 'Redis lost acknowledged events'));
        return false;
      case 'damaged':
        this.#abandon('damaged', outcome.error);
        return false;
    }
  }

  #rewind(): Parameters<typeof giveBackRewound>[0] {
    const effects = this.#options.openEffects();
    return { ...this.#options, ownership: this.#ownership, effects };
  }

  #fenced({ fence, applied }: Extract<CommitOutcome, { outcome: 'fenced' }>): FencedError {
    const { run, fence: held } = this.#ownership;
    const loopLagMs = this.#options.loopLagMs();
    const { sessionMs } = this.#options;
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

/** Nearly always there is one submission, and nothing to put together. */
function eventsOf(batch: readonly Pending[]): readonly NewEvent[] {
  const [first] = batch;
  if (first !== undefined && batch.length === 1) return first.events;
  return batch.flatMap((pending) => pending.events);
}

function toFoldEvent({ type, value }: Write): FoldEvent {
  return { type, data: value };
}

function toEvent({ type, data, lane }: Write): NewEvent {
  return lane === undefined ? { type, data } : { type, data, lane };
}
