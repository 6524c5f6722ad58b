/**
 * The one way events of a claimed run get into its log.
 *
 * Group commit: a commit is sent as soon as there is something to write and none is in flight; whatever arrives while one
 * is in flight travels together in the next. So a lone event pays one round trip, and a crowd shares one.
 *
 *   idle ──submit──▶ in flight ──committed──▶ idle, or in flight again with what has gathered
 *                        │
 *                        ├─ no answer ─────▶ the same commit again, with the same token, until there is one
 *                        ├─ fenced, missing ▶ lost: somebody else owns the run; nothing is written any more
 *                        └─ conflict ──────▶ rewound: Redis has less than it acknowledged; the run is given back
 *
 * Crash before a commit is sent: its events never happened, and nobody was told they had. Crash after: they happened, the
 * next owner folds them. The fold here is ahead of the log by what is pending, never the other way round.
 *
 * A promise given out by `submit` resolves when its events are durable. When the run is lost it never settles: the handler
 * that waits for it must not go on, and must not take the loss for a failure it could handle.
 */
import type { CheckpointMark } from '../../core/checkpoint.ts';
import type { Clock } from '../../core/clock.ts';
import { type ErrorCode, FencedError, type PawlError, RunError } from '../../core/errors.ts';
import type { NewEvent } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { isSnapshotDue } from '../../core/policy.ts';
import type {
  CommitOutcome,
  CommitParams,
  Ownership,
  Release,
  RunStore,
  SnapshotDelta,
} from '../../core/store.ts';
import type { ExecutionNews, Loss } from './telemetry.ts';
import { persist } from './commit-retry.ts';
import { giveBackRewound, lookForRewind } from './rewind.ts';
import type { Snapshotter } from './snapshotter.ts';
import type { Write } from './writes.ts';

export interface LogWriterOptions {
  readonly store: RunStore;
  readonly ownership: Ownership;
  readonly worker: string;
  readonly codeVersion: number;
  readonly fold: Fold;
  readonly snapshotter: Snapshotter;
  /** Events already in the log after the last snapshot, and their bytes. */
  readonly tail: { readonly events: number; readonly bytes: number };
  readonly replayBudgetMs: number;
  readonly resendMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly news: ExecutionNews;
  readonly newToken: () => string;
  /** For the error that says why a run was lost. */
  readonly loopLagMs: () => number;
  readonly sessionMs: number;
  readonly onCommitted: (events: readonly NewEvent[]) => void;
  /** So many checkpoints were kept. */
  readonly onKept: (count: number) => void;
  readonly onLost: (loss: Loss, reason: PawlError) => void;
}

interface Pending {
  readonly events: readonly NewEvent[];
  /** Messages of the inbox that are among the events. */
  readonly taken: readonly string[];
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

export class LogWriter {
  readonly #options: LogWriterOptions;
  #pending: Pending[] = [];
  #keeping: Keeping[] = [];
  /** Events that go along with the next commit but do not cause one. */
  #riders: NewEvent[] = [];
  #seq: number;
  #version = 0;
  #tailEvents: number;
  #tailBytes: number;
  #reduceMs = 0;
  #lastSnapshotBytes = 0;
  #flushing = false;
  #release: Release | undefined;
  #handBack = false;
  /** The release is stored: nothing may follow. */
  #released = false;
  /** A snapshot was refused: the run can only fail now, and its last commit must not try again. */
  #snapshotRefused = false;
  #lost: Loss | undefined;
  #hasWritten = false;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#seq = options.fold.seq;
    this.#tailEvents = options.tail.events;
    this.#tailBytes = options.tail.bytes;
  }

  get lost(): Loss | undefined {
    return this.#lost;
  }

  /** Version of the newest snapshot written here; 0 before the first. */
  get version(): number {
    return this.#version;
  }

  /** The handler has done something new: what it does from here on is no repetition. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** Folds an event that will go along with the next commit, whenever that is. */
  ride(write: Write): void {
    this.#fold([write]);
    this.#riders.push(toEvent(write));
  }

  /**
   * Folds events and commits them together. Resolves when they are durable; never settles when the run is lost.
   * Throws at once, with nothing changed, when a reducer refuses.
   */
  submit(
    writes: readonly Write[],
    options: { readonly taken?: readonly string[] } = {},
  ): Promise<void> {
    if (this.#lost !== undefined || this.#release !== undefined) return never();
    this.#fold(writes);
    if (options.taken === undefined) this.#hasWritten = true;
    return this.#enqueue(writes.map(toEvent), options.taken);
  }

  /**
   * Folds events, commits them and keeps the snapshot taken then as a checkpoint. Resolves with the checkpoint's id when
   * all of it is durable; else as `submit`.
   */
  async keep(writes: readonly Write[], mark: CheckpointMark): Promise<string> {
    if (this.#lost !== undefined || this.#release !== undefined) return never();
    const kept = new Promise<string>((resolve, reject) => {
      this.#keeping.push({ mark, resolve, reject });
    });
    const [id] = await Promise.all([kept, this.submit(writes)]);
    return id;
  }

  /** True when everything submitted is durable. */
  get isIdle(): boolean {
    return !this.#flushing && this.#pending.length === 0;
  }

  /**
   * Lets the run wait, for `wakeMs` or until a message comes. False, with nothing written, when there is a message or more
   * to write: the owner goes on. When it is true the run is not this worker's any more.
   */
  async park(wakeMs: number | undefined): Promise<boolean> {
    if (!this.#isOpen() || !this.isIdle || this.#handBack) return false;
    this.#flushing = true;
    const events = this.#riders.splice(0);
    const release: Release = {
      ...{ status: 'waiting', why: 'parked', waits: [] },
      ...(wakeMs === undefined ? {} : { wakeMs: Math.max(0, Math.ceil(wakeMs)) }),
    };
    const params = { ...this.#params(events), release };
    const outcome = await this.#persist(params);
    this.#flushing = false;
    if (outcome === undefined) {
      this.#abandon('closed', this.#ended('PAWL_CLOSED', 'pawl is closed'));
    } else if (outcome.outcome === 'mail') {
      this.#riders.unshift(...events);
      if (this.#pending.length > 0) void this.#flush();
      return false;
    } else {
      this.#settle(outcome, [], events);
      this.#abandon('parked', this.#ended('PAWL_CLOSED', 'it waits'));
    }
    return true;
  }

  /** The last commit: everything pending, `writes`, and the release, at once. Nothing is written after it. */
  finish(writes: readonly Write[], release: Release): Promise<void> {
    if (this.#lost !== undefined) return never();
    this.#fold(writes);
    const done = this.#enqueue(writes.map(toEvent));
    this.#release = release;
    return done;
  }

  /** Lets the next commit, whenever it comes, hand the run back with a snapshot. */
  handBackAtNextCommit(): void {
    this.#handBack = true;
  }

  /** Hands the run back now, without waiting for the handler. */
  async handBack(): Promise<void> {
    this.#handBack = true;
    if (this.#lost === undefined && !this.#flushing) await this.#flush();
  }

  /** Stops writing, without a word to the store: the process is going down, or the run is somebody else's. */
  #abandon(loss: Loss, reason: PawlError): void {
    if (this.#lost !== undefined) return;
    this.#lost = loss;
    this.#pending = [];
    this.#keeping = [];
    this.#riders = [];
    this.#options.onLost(loss, reason);
  }

  #fold(writes: readonly Write[]): void {
    const { clock, fold } = this.#options;
    const started = clock.monotonic();
    for (const write of writes) fold.apply({ type: write.type, data: write.value });
    this.#reduceMs += clock.monotonic() - started;
  }

  #enqueue(events: readonly NewEvent[], taken: readonly string[] = []): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ events, taken, resolve, reject });
      // A microtask later, so that what is submitted in one go travels in one commit.
      if (!this.#flushing) queueMicrotask(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      while (this.#isOpen() && (this.#pending.length > 0 || this.#handBack)) {
        await this.#commitBatch();
      }
    } finally {
      this.#flushing = false;
    }
  }

  #isOpen(): boolean {
    return this.#lost === undefined && !this.#released;
  }

  async #commitBatch(): Promise<void> {
    const batch = this.#takeBatch();
    const events = this.#eventsOf(batch);
    const drained = this.#pending.length === 0;
    const handBack = drained && this.#handBack && this.#release === undefined;
    const release: Release | undefined = handBack
      ? { status: 'queued', resendMs: this.#options.resendMs }
      : drained
        ? this.#release
        : undefined;
    let snapshot: SnapshotDelta | undefined;
    try {
      // The fold is ahead of a batch that leaves events behind, and a snapshot must not be ahead of the log.
      if (drained) snapshot = this.#takeSnapshot(events, handBack);
    } catch (error) {
      this.#snapshotRefused = true;
      this.#release = undefined;
      for (const waiting of [...batch, ...this.#keeping.splice(0)]) waiting.reject(error);
      return;
    }
    const kept = snapshot === undefined ? [] : this.#keeping.splice(0);
    const taken = batch.flatMap((pending) => pending.taken);
    const params = this.#params(events);
    if (taken.length > 0) params.taken = taken;
    if (snapshot !== undefined) params.snapshot = snapshot;
    if (release !== undefined) params.release = release;
    const outcome = await this.#persist(params);
    if (outcome === undefined)
      return this.#abandon('closed', this.#ended('PAWL_CLOSED', 'pawl is closed'));
    if (outcome.outcome === 'committed' && release !== undefined) this.#released = true;
    // Who waits for a commit that hands the run back must not go on.
    this.#settle(outcome, handBack ? [] : batch, events);
    if (outcome.outcome === 'committed' && !handBack) {
      if (kept.length > 0) this.#options.onKept(kept.length);
      for (const [n, { resolve }] of kept.entries()) resolve(`${outcome.version}-${n}`);
    }
    if (handBack) {
      this.#abandon('handed-back', this.#ended('PAWL_CLOSED', 'this worker is closing'));
    }
  }

  #persist(params: CommitParams): Promise<CommitOutcome | undefined> {
    const send = () => persist(params, this.#options, () => this.#lost === undefined);
    return this.#options.news.commit(params, send);
  }

  /** Made bit by bit: spreading objects on every commit shows in a profile. */
  #params(events: readonly NewEvent[]): Writable<CommitParams> {
    const { ownership, newToken } = this.#options;
    const { run, fence, owner } = ownership;
    return { run, fence, owner, token: newToken(), expectedSeq: this.#seq, events };
  }

  /** The riders go first. Nearly always there is one submission and no rider, and nothing to put together. */
  #eventsOf(batch: readonly Pending[]): readonly NewEvent[] {
    const [first] = batch;
    if (first !== undefined && batch.length === 1 && this.#riders.length === 0) return first.events;
    return [...this.#riders.splice(0), ...batch.flatMap((pending) => pending.events)];
  }

  #takeBatch(): Pending[] {
    let events = this.#riders.length;
    let bytes = 0;
    let count = 0;
    for (const pending of this.#pending) {
      events += pending.events.length;
      for (const event of pending.events) bytes += event.data.length;
      const full = events > fixedLimits.eventsPerCommit || bytes > fixedLimits.bytesPerCommit;
      if (full && count > 0) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  #takeSnapshot(events: readonly NewEvent[], handBack: boolean): SnapshotDelta | undefined {
    if (this.#snapshotRefused) return undefined;
    for (const event of events) this.#tailBytes += event.data.length;
    this.#tailEvents += events.length;
    const tail = { events: this.#tailEvents, bytes: this.#tailBytes, reduceMs: this.#reduceMs };
    const due = isSnapshotDue(tail, {
      budgetMs: this.#options.replayBudgetMs,
      lastSnapshotBytes: this.#lastSnapshotBytes,
    });
    const marks = this.#keeping.map(({ mark }) => mark);
    if (!due && marks.length === 0 && !(handBack && this.#tailEvents > 0)) return undefined;
    const { delta, bytes } = this.#options.snapshotter.delta(this.#options.fold);
    this.#lastSnapshotBytes = bytes;
    this.#tailEvents = 0;
    this.#tailBytes = 0;
    this.#reduceMs = 0;
    if (marks.length === 0) return delta;
    return { ...delta, keep: { marks, bytes: this.#options.snapshotter.size } };
  }

  #settle(outcome: CommitOutcome, batch: readonly Pending[], events: readonly NewEvent[]): void {
    switch (outcome.outcome) {
      case 'committed':
        this.#seq += events.length;
        this.#version = outcome.version;
        this.#options.onCommitted(events);
        for (const pending of batch) pending.resolve();
        return;
      case 'fenced':
        void lookForRewind(this.#options, this.#seq);
        this.#abandon('fenced', this.#fenced(outcome));
        return;
      case 'missing':
        this.#abandon('deleted', this.#ended('PAWL_RUN_NOT_FOUND', 'the run was deleted'));
        return;
      case 'mail':
        // Only a release to waiting is refused so, and that is `park`'s.
        return;
      case 'conflict':
        void giveBackRewound(this.#options, this.#seq, outcome.seq);
        this.#abandon('rewound', this.#ended('PAWL_REWOUND', 'Redis lost acknowledged events'));
    }
  }

  #fenced({ fence, applied }: Extract<CommitOutcome, { outcome: 'fenced' }>): FencedError {
    const { run, fence: held } = this.#options.ownership;
    const loopLagMs = this.#options.loopLagMs();
    const { sessionMs } = this.#options;
    return new FencedError(run, { held, current: fence }, { applied, loopLagMs, sessionMs });
  }

  #ended(code: ErrorCode, why: string): RunError {
    const { run } = this.#options.ownership;
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

function toEvent({ type, data, lane }: Write): NewEvent {
  return lane === undefined ? { type, data } : { type, data, lane };
}
