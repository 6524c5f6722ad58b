/**
 * The run store in memory: the meaning of the contract, as plainly as it can be said. Each method does its work in one go
 * without waiting for anything, which is what makes it atomic here.
 */
import type { Archive } from '../core/archive.ts';
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import { PawlError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Lists } from '../core/lists.ts';
import type { Questions } from '../core/questions.ts';
import type { RunProgress, RunRecord } from '../core/run.ts';
import type {
  CancelOutcome,
  CancelParams,
  ClaimOutcome,
  ClaimParams,
  CommitOutcome,
  CommitParams,
  CreateOutcome,
  CreateParams,
  DeleteOutcome,
  FirstClaim,
  LoadedRun,
  UnreadMessages,
  Ownership,
  PauseOutcome,
  PostOutcome,
  PostParams,
  ResumeOutcome,
  RunStore,
  Seen,
  Snapshot,
  ToldEnd,
} from '../core/store.ts';
import type { Transfer } from '../core/transfer.ts';
import { MemoryArchive } from './archive.ts';
import { MemoryBlobs } from './blobs.ts';
import { claim } from './claiming.ts';
import { type Ask, cancel, pause, post, resume } from './control.ts';
import { Deletions } from './deletions.ts';
import { isKept, nextDueAt } from './due-runs.ts';
import { MemoryFleet } from './fleet.ts';
import { MemoryLists } from './lists.ts';
import { MemoryObservation } from './observation.ts';
import { MemoryOutputs } from './outputs.ts';
import {
  checkpoints,
  claimed,
  copyEvent,
  copySnapshot,
  loaded,
  messagesPerPage,
} from './reading.ts';
import { MemoryQuestions } from './questions.ts';
import { MemorySchedules } from './schedules.ts';
import { MemorySessions } from './sessions.ts';
import {
  append,
  eventsAfter,
  isAsked,
  isStill,
  keyedOf,
  lastSeq,
  newRun,
  settle,
  type StoredRun,
  toRecord,
} from './stored-run.ts';
import { MemoryTransfer } from './transfer.ts';
import { MemoryTurns } from './turns.ts';
import { release, save } from './transitions.ts';

export class MemoryRunStore implements RunStore {
  readonly archive: Archive;
  readonly blobs: MemoryBlobs;
  readonly fleet: MemoryFleet;
  readonly lists: Lists;
  readonly observation: MemoryObservation;
  readonly outputs: MemoryOutputs;
  readonly questions: Questions;
  readonly schedules: MemorySchedules;
  readonly transfer: Transfer;
  readonly turns: MemoryTurns;
  readonly #clock: { now(): number };
  /** A test may make it forget. */
  protected readonly runs = new Map<string, StoredRun>();
  readonly #sessions: MemorySessions;
  readonly #changed: (run: string) => void;
  readonly #ask: Ask;
  readonly #deletions: Deletions;
  #closed = false;

  constructor(options: { readonly clock?: { now(): number } } = {}) {
    this.#clock = options.clock ?? { now: () => Date.now() };
    this.#sessions = new MemorySessions(this.#clock);
    const open = (): number => this.#now();
    const changed = (run: string): void => this.observation.changed(run);
    const deletions = new Deletions();
    const blobs = new MemoryBlobs(open);
    this.blobs = blobs;
    this.archive = new MemoryArchive(this.runs, { now: open, changed, deletions, blobs });
    this.fleet = new MemoryFleet(this.runs, { sessions: this.#sessions, open, changed });
    this.lists = new MemoryLists(this.runs, deletions, open);
    this.observation = new MemoryObservation(this.runs, open);
    this.outputs = new MemoryOutputs(this.runs, open);
    this.questions = new MemoryQuestions(this.runs, {
      open,
      changed,
      ask: (worker, run) => this.fleet.ask(worker, run, 'question'),
    });
    this.schedules = new MemorySchedules(open);
    this.transfer = new MemoryTransfer(this.runs, { open, changed, blobs });
    this.turns = new MemoryTurns(this.runs, open);
    this.#changed = changed;
    this.#ask = (worker, run) => this.fleet.ask(worker, run);
    this.#deletions = deletions;
  }

  async create(params: CreateParams): Promise<CreateOutcome> {
    const now = this.#now();
    const known = this.runs.get(params.run);
    if (known !== undefined) {
      if (known.birth !== params.token) return { outcome: 'exists', record: toRecord(known) };
      const isClaimed = known.status === 'running' && known.owner === params.claim?.token;
      return this.#created(known, isClaimed ? params.claim : undefined, now);
    }
    this.blobs.take(params.run, params.blobs);
    const run = newRun(params, now);
    append(run, { type: 'run.created', data: params.data }, now);
    if (params.snapshot !== undefined) save(run, params.snapshot, now);
    this.runs.set(run.id, run);
    const { claim: first } = params;
    if (first !== undefined && claim(run, { run: run.id, ...first }, now) === 'taken') {
      this.fleet.claimed(run);
    }
    this.#changed(run.id);
    return this.#created(run, first, now);
  }

  /** There is no way to it. */
  async sample(): Promise<undefined> {
    return undefined;
  }

  #created(run: StoredRun, first: FirstClaim | undefined, now: number): CreateOutcome {
    const record = toRecord(run);
    if (first === undefined || run.owner !== first.token) return { outcome: 'created', record };
    return { outcome: 'created', record, claimed: claimed(run, first.token, now) };
  }

  async claim(params: ClaimParams): Promise<ClaimOutcome> {
    const now = this.#now();
    const run = this.runs.get(params.run);
    if (run === undefined) return { outcome: 'missing' };
    const outcome = claim(run, params, now);
    if (outcome !== 'repeated' && outcome !== 'taken') return outcome;
    if (outcome === 'taken') {
      this.fleet.claimed(run);
      this.#changed(run.id);
    }
    return claimed(run, params.token, now);
  }

  async commit(params: CommitParams): Promise<CommitOutcome> {
    const now = this.#now();
    const run = this.runs.get(params.run);
    const { events, expectedSeq, fence } = params;
    if (run === undefined) return { outcome: 'missing' };
    if (run.token === params.token) {
      const version = run.snapshot?.version ?? 0;
      return { outcome: 'committed', seq: expectedSeq + events.length, version };
    }
    if (run.fence !== fence || run.owner !== params.owner) {
      const own = events.length > 0 ? eventsAfter(run, expectedSeq, 1)[0] : undefined;
      const applied = own?.seq === expectedSeq + 1 && own.fence === fence;
      return { outcome: 'fenced', fence: run.fence, applied };
    }
    if (expectedSeq !== lastSeq(run)) return { outcome: 'conflict', seq: lastSeq(run) };
    const { taken = [] } = params;
    const left = run.inbox.filter(({ id }) => !taken.includes(id));
    const isParking = params.release?.status === 'waiting' && params.release.why === 'parked';
    if (isParking && left.length > 0) return { outcome: 'unread' };
    if (isParking && isAsked(run, now)) return { outcome: 'unread', asked: true };
    this.blobs.take(run.id, params.blobs);

    for (const [i, event] of events.entries()) append(run, event, now, i < events.length - 1);
    run.token = params.token;
    run.inbox.splice(0, run.inbox.length, ...left);
    // A store that has forgotten a message must not take it for a new one when it comes again.
    for (const id of taken) run.seen.add(id);
    if (params.snapshot !== undefined) save(run, params.snapshot, now);
    if (params.release !== undefined) release(run, params.release, now);
    this.#changed(run.id);
    return { outcome: 'committed', seq: lastSeq(run), version: run.snapshot?.version ?? 0 };
  }

  async post(params: PostParams): Promise<PostOutcome> {
    const take = (): void => this.blobs.take(params.run, params.blobs);
    return this.#change(params.run, (run, now) => post(run, params, now, { ask: this.#ask, take }));
  }

  async cancel(params: CancelParams): Promise<CancelOutcome> {
    return this.#change(params.run, (run, now) => cancel(run, params, now, this.#ask));
  }

  async pause(id: string, data: Uint8Array): Promise<PauseOutcome> {
    return this.#change(id, (run, now) => pause(run, data, now, this.#ask));
  }

  async resume(id: string, data: Uint8Array, blobs?: readonly string[]): Promise<ResumeOutcome> {
    const take = (): void => this.blobs.take(id, blobs);
    return this.#change(id, (run, now) => resume(run, data, now, take));
  }

  async progress({ run: id, fence, owner }: Ownership, progress: RunProgress): Promise<void> {
    this.#change(id, (run) => {
      if (run.fence === fence && run.owner === owner) run.progress = { ...progress };
    });
  }

  async parentNotified(id: string, { fence, hook = false }: ToldEnd): Promise<void> {
    this.#change(id, (run) => {
      if (run.fence !== fence || !run.notifyPending || (run.onEnd && !hook)) return;
      run.notifyPending = false;
      settle(run);
    });
  }

  async childrenCancelled(id: string, { fence }: Pick<Seen, 'fence'>): Promise<void> {
    this.#change(id, (run) => {
      if (run.fence !== fence || !run.cancelPending) return;
      run.cancelPending = false;
      settle(run);
    });
  }

  async delete(id: string, data?: Uint8Array, seen?: Seen): Promise<DeleteOutcome> {
    const now = this.#now();
    const run = this.runs.get(id);
    if (run === undefined) return { outcome: 'missing' };
    if (run.status === 'running') return { outcome: 'active', worker: run.worker ?? '' };
    if (seen !== undefined && (!isStill(run, seen) || run.notifyPending || run.cancelPending)) {
      return { outcome: 'changed' };
    }
    this.runs.delete(id);
    this.blobs.leave(id);
    if (data !== undefined) this.#deletions.add(run, data, now);
    this.#changed(id);
    return { outcome: 'deleted', ...keyedOf(run) };
  }

  async record(id: string): Promise<RunRecord | undefined> {
    this.#now();
    const run = this.runs.get(id);
    return run && toRecord(run);
  }

  async load(id: string): Promise<LoadedRun | undefined> {
    this.#now();
    const run = this.runs.get(id);
    return run === undefined ? undefined : loaded(run);
  }

  async events(params: Parameters<RunStore['events']>[0]): Promise<readonly StoredEvent[]> {
    this.#now();
    const run = this.runs.get(params.run);
    return run ? eventsAfter(run, params.after, params.limit).map(copyEvent) : [];
  }

  async readInbox(id: string): Promise<UnreadMessages> {
    this.#now();
    const run = this.runs.get(id);
    const messages = (run?.inbox ?? []).slice(0, messagesPerPage);
    return run?.paused === true
      ? { messages, paused: true, ...(run.pausedBy && { pausedBy: run.pausedBy }) }
      : { messages, paused: false };
  }

  async checkpoints(query: CheckpointQuery): Promise<readonly CheckpointRecord[]> {
    this.#now();
    return checkpoints(this.runs.get(query.run), query);
  }

  async recall(id: string, checkpoint: string): Promise<Snapshot | undefined> {
    this.#now();
    const kept = this.runs.get(id)?.checkpoints.find((one) => one.checkpoint.id === checkpoint);
    return kept && copySnapshot(kept.snapshot);
  }

  /** Threads of LangGraph are kept in Redis only. */
  async channels(): Promise<undefined> {
    this.#now();
  }

  /** For tests: what the store sees when a worker is cut off, and may still beat by another way. */
  disconnect(worker: string): void {
    this.#sessions.disconnect(worker);
  }

  /** For tests: what the store sees when the process of a worker dies. The worker of this process goes on in vain. */
  vanish(worker: string): void {
    this.#sessions.vanish(worker);
  }

  /**
   * For tests: the next time after `now` at which a run is due, or a schedule starts one. Without `expiries` an ended run that
   * is only kept is not looked at.
   */
  nextDueAt(now: number, { expiries = true } = {}): number | undefined {
    if (this.#closed) return undefined;
    const runs = [...this.runs.values()].filter((run) => expiries || !isKept(run));
    const others = [this.schedules.nextAt(now), this.turns.nextAt(now)];
    const times = [nextDueAt(runs, now), ...others];
    return times.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #change<T>(id: string, change: (run: StoredRun, now: number) => T): T | { outcome: 'missing' } {
    const now = this.#now();
    const run = this.runs.get(id);
    if (run === undefined) return { outcome: 'missing' };
    const outcome = change(run, now);
    this.#changed(id);
    return outcome;
  }

  #now(): number {
    if (this.#closed) throw new PawlError('PAWL_CLOSED', 'The store is closed; open a new one.');
    return this.#clock.now();
  }
}
