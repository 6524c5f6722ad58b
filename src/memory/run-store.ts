/**
 * The run store in memory: the meaning of the contract, as plainly as it can be said. Each method does its work in one go
 * without waiting for anything, which is what makes it atomic here.
 */
import type { Census } from '../core/census.ts';
import type { Archive } from '../core/archive.ts';
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import type { DeletionPage, DeletionQuery } from '../core/deletions.ts';
import { PawlError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import type { RunProgress, RunRecord } from '../core/run.ts';
import type {
  Beat,
  CancelOutcome,
  CancelParams,
  ClaimOutcome,
  ClaimParams,
  CommitOutcome,
  CommitParams,
  CreateOutcome,
  CreateParams,
  DeleteOutcome,
  DueParams,
  DueRun,
  InterruptParams,
  ListParams,
  LoadedRun,
  Look,
  Mail,
  Ownership,
  PauseOutcome,
  PostOutcome,
  PostParams,
  ResumeOutcome,
  RunPage,
  RunStore,
  Seen,
  SeenWorker,
  Snapshot,
  WorkerInfo,
  WorkerRecord,
} from '../core/store.ts';
import { takeCensus } from './census.ts';
import { claim } from './claiming.ts';
import { MemoryArchive } from './archive.ts';
import type { Transfer } from '../core/transfer.ts';
import { type Ask, cancel, pause, post, resume } from './control.ts';
import { Deletions } from './deletions.ts';
import { nextDueAt, takeDue } from './due-runs.ts';
import { MemoryFleet } from './fleet.ts';
import { listRuns } from './run-list.ts';
import { interruptRun, release, save } from './transitions.ts';
import {
  checkpoints,
  claimed,
  copyEvent,
  copySnapshot,
  loaded,
  messagesPerPage,
} from './reading.ts';
import { MemorySchedules } from './schedules.ts';
import { MemorySessions } from './sessions.ts';
import { MemoryTransfer } from './transfer.ts';
import {
  append,
  eventsAfter,
  isStill,
  lastSeq,
  settle,
  type StoredRun,
  toDueRun,
  toRecord,
  newRun,
  wake,
} from './stored-run.ts';

export class MemoryRunStore implements RunStore {
  readonly #clock: { now(): number };
  readonly archive: Archive;
  readonly transfer: Transfer;
  readonly schedules: MemorySchedules;
  /** A test may make it forget. */
  protected readonly runs = new Map<string, StoredRun>();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #sessions: MemorySessions;
  readonly #deletions = new Deletions();
  readonly #asked = new Map<string, (run: string | undefined) => void>();
  readonly #ask: Ask = (worker, run) => {
    queueMicrotask(() => this.#asked.get(worker)?.(run));
  };
  readonly fleet: MemoryFleet;
  #closed = false;

  constructor(options: { readonly clock?: { now(): number } } = {}) {
    this.#clock = options.clock ?? { now: () => Date.now() };
    this.#sessions = new MemorySessions(this.#clock);
    const changed = (run: string): void => this.#changed(run);
    const open = (): number => this.#now();
    this.archive = new MemoryArchive(this.runs, {
      ...{ now: open, changed, deletions: this.#deletions },
    });
    this.schedules = new MemorySchedules(open);
    this.transfer = new MemoryTransfer(this.runs, { open, changed });
    this.fleet = new MemoryFleet(this.#sessions, {
      hint: (worker) => this.#ask(worker, undefined),
      held: (worker) => this.#heldBy(worker),
    });
  }

  async create(params: CreateParams): Promise<CreateOutcome> {
    const now = this.#now();
    const known = this.runs.get(params.run);
    if (known !== undefined) {
      const outcome = known.birth === params.token ? 'created' : 'exists';
      return { outcome, record: toRecord(known) };
    }
    const run = newRun(params, now);
    append(run, { type: 'run.created', data: params.data }, now);
    if (params.snapshot !== undefined) save(run, params.snapshot, now);
    this.runs.set(run.id, run);
    this.#changed(run.id);
    return { outcome: 'created', record: toRecord(run) };
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
    return claimed(run, params.token);
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
    if (isParking && left.length > 0) return { outcome: 'mail' };

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

  async interrupt(params: InterruptParams): Promise<readonly DueRun[]> {
    const now = this.#now();
    const { worker, seen } = params;
    if (seen !== undefined && !this.#sessions.isStill(worker, seen)) return [];
    const taken = this.#heldBy(worker)
      .filter(({ id }) => params.runs?.includes(id) ?? true)
      .slice(0, params.limit);
    for (const run of taken) {
      interruptRun(run, params, now);
      this.fleet.lost(run);
      this.#changed(run.id);
    }
    if (params.runs === undefined && taken.length < params.limit) this.#wakeParked(worker);
    return taken.map((run) => toDueRun(run, now));
  }

  async due(params: DueParams): Promise<readonly DueRun[]> {
    const now = this.#now();
    return takeDue(this.runs.values(), params, now).map((run) => toDueRun(run, now));
  }

  async post(params: PostParams): Promise<PostOutcome> {
    return this.#change(params.run, (run, now) => post(run, params, now, this.#ask));
  }

  async cancel(params: CancelParams): Promise<CancelOutcome> {
    return this.#change(params.run, (run, now) => cancel(run, params, now, this.#ask));
  }

  async pause(id: string, data: Uint8Array): Promise<PauseOutcome> {
    return this.#change(id, (run, now) => pause(run, data, now, this.#ask));
  }

  async resume(id: string, data: Uint8Array): Promise<ResumeOutcome> {
    return this.#change(id, (run, now) => resume(run, data, now));
  }

  async progress({ run: id, fence, owner }: Ownership, progress: RunProgress): Promise<void> {
    this.#change(id, (run) => {
      if (run.fence === fence && run.owner === owner) run.progress = { ...progress };
    });
  }

  async told(id: string, { fence }: Pick<Seen, 'fence'>): Promise<void> {
    this.#change(id, (run) => {
      if (run.fence !== fence || !run.untold) return;
      run.untold = false;
      settle(run);
    });
  }

  async paid(id: string, { fence }: Pick<Seen, 'fence'>): Promise<void> {
    this.#change(id, (run) => {
      if (run.fence !== fence || !run.owes) return;
      run.owes = false;
      settle(run);
    });
  }

  async settled(worker: string, runs: readonly Pick<Ownership, 'run' | 'fence'>[]): Promise<void> {
    this.#now();
    for (const { run: id, fence } of runs) {
      const run = this.runs.get(id);
      const isSame = run?.parkedBy?.worker === worker && run.parkedBy.fence === fence;
      if (run !== undefined && isSame) run.parkedBy = undefined;
    }
  }

  async delete(id: string, data?: Uint8Array, seen?: Seen): Promise<DeleteOutcome> {
    const now = this.#now();
    const run = this.runs.get(id);
    if (run === undefined) return { outcome: 'missing' };
    if (run.status === 'running') return { outcome: 'active', worker: run.worker ?? '' };
    if (seen !== undefined && (!isStill(run, seen) || run.untold || run.owes)) {
      return { outcome: 'changed' };
    }
    this.runs.delete(id);
    if (data !== undefined) this.#deletions.add(run, data, now);
    this.#changed(id);
    return { outcome: 'deleted' };
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

  async mail(id: string): Promise<Mail> {
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
    const kept = this.runs.get(id)?.kept.find((one) => one.checkpoint.id === checkpoint);
    return kept && copySnapshot(kept.snapshot);
  }

  async list(params: ListParams): Promise<RunPage> {
    this.#now();
    return listRuns([...this.runs.values()], params);
  }

  async deletions(query: DeletionQuery): Promise<DeletionPage> {
    this.#now();
    return this.#deletions.list(query);
  }

  async now(): Promise<number> {
    return this.#now();
  }

  async census(): Promise<Census> {
    return takeCensus([...this.runs.values()], this.#now());
  }

  async watch(run: string, changed: () => void): Promise<() => Promise<void>> {
    this.#now();
    const watchers = this.#watchers.get(run) ?? new Set();
    this.#watchers.set(run, watchers);
    const watcher = (): void => {
      if (watchers.has(watcher)) changed();
    };
    watchers.add(watcher);
    return async () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(run);
    };
  }

  async appear(worker: string, asked: (run?: string) => void = () => undefined): Promise<void> {
    this.#now();
    this.#sessions.appear(worker);
    if (asked !== undefined) this.#asked.set(worker, asked);
  }

  /** For tests: what the store sees when a worker is cut off, and may still beat by another way. */
  disconnect(worker: string): void {
    this.#sessions.disconnect(worker);
  }

  /** For tests: what the store sees when the process of a worker dies. The worker of this process goes on in vain. */
  vanish(worker: string): void {
    this.#sessions.vanish(worker);
  }

  /** For tests: the next time after `now` at which a run is due, or a schedule starts one. */
  nextDueAt(now: number): number | undefined {
    if (this.#closed) return undefined;
    const times = [nextDueAt(this.runs.values(), now), this.schedules.nextAt(now)];
    return times.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a));
  }

  async beat(worker: WorkerInfo, sessionMs: number, atWork = ''): Promise<Beat> {
    this.#now();
    return this.#sessions.beat(worker, sessionMs, atWork);
  }

  async atWork(worker: string): Promise<string> {
    this.#now();
    return this.#sessions.atWork(worker);
  }

  async leave(worker: string, seen?: SeenWorker): Promise<boolean> {
    this.#now();
    if (seen !== undefined && !this.#sessions.isStill(worker, seen)) return false;
    this.#wakeParked(worker);
    this.#sessions.leave(worker);
    return true;
  }

  async workers(): Promise<readonly WorkerRecord[]> {
    this.#now();
    return this.#sessions.list();
  }

  async holders(): Promise<readonly string[]> {
    this.#now();
    const workers = [...this.runs.values()].map((run) =>
      run.loose ? undefined : (run.worker ?? run.parkedBy?.worker),
    );
    return [...new Set(workers.filter((worker) => worker !== undefined))];
  }

  async held(worker: string): Promise<readonly string[]> {
    this.#now();
    return this.#heldBy(worker).map(({ id }) => id);
  }

  async look(worker: string, lockMs: number): Promise<Look> {
    this.#now();
    return this.#sessions.look(worker, lockMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Their handlers may have gone on, and nobody else would know. */
  #wakeParked(worker: string): void {
    for (const run of this.runs.values()) {
      if (run.parkedBy?.worker !== worker) continue;
      run.parkedBy = undefined;
      wake(run, this.#now());
    }
  }

  #heldBy(worker: string): StoredRun[] {
    return [...this.runs.values()].filter((run) => run.worker === worker && !run.loose);
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

  #changed(run: string): void {
    for (const watcher of this.#watchers.get(run) ?? []) queueMicrotask(watcher);
  }
}
