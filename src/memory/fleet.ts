/** Workers in memory, the runs they hold, and what they lost. Each method does its work in one go, which makes it atomic. */
import type { DueRun } from '../core/due-run.ts';
import {
  type Beat,
  type DueParams,
  type Fleet,
  type InterruptParams,
  type Election,
  type ParkedRun,
  type Recovery,
  recoveriesKept,
  type SeenWorker,
  type WorkerInfo,
  type WorkerRecord,
  type OnNudge,
} from '../core/fleet.ts';
import { takeDue } from './due-runs.ts';
import type { MemorySessions } from './sessions.ts';
import { progressOf, type StoredRun, toDueRun, wake } from './stored-run.ts';
import { interruptRun } from './transitions.ts';

export interface MemoryFleetParts {
  readonly sessions: MemorySessions;
  /** Tells the time, and throws when the store is closed. */
  readonly open: () => number;
  /** Tells those who watch a run. */
  readonly changed: (run: string) => void;
}

export class MemoryFleet implements Fleet {
  readonly #runs: ReadonlyMap<string, StoredRun>;
  readonly #sessions: MemorySessions;
  readonly #now: () => number;
  readonly #changed: (run: string) => void;
  readonly #nudged = new Map<string, OnNudge>();
  #recoveries: Recovery[] = [];

  constructor(runs: ReadonlyMap<string, StoredRun>, parts: MemoryFleetParts) {
    this.#runs = runs;
    this.#sessions = parts.sessions;
    this.#now = parts.open;
    this.#changed = parts.changed;
  }

  /** Tells a worker that somebody wants something of a run it holds, or of any of them. */
  ask(worker: string, run: string | undefined, about?: 'question'): void {
    queueMicrotask(() => this.#nudged.get(worker)?.(run, about));
  }

  /** A run that had been lost was claimed just now. */
  claimed({ id, worker, lost }: StoredRun): void {
    if (lost?.claimMs === undefined || worker === undefined) return;
    const { at, claimMs } = lost;
    this.#recoveries = this.#recoveries.map((one) =>
      one.run === id && one.at === at ? { ...one, worker, claimMs } : one,
    );
  }

  async register(worker: string, onNudge?: OnNudge): Promise<void> {
    this.#now();
    this.#sessions.register(worker);
    if (onNudge !== undefined) this.#nudged.set(worker, onNudge);
  }

  async beat(worker: WorkerInfo, sessionMs: number, atWork = ''): Promise<Beat> {
    this.#now();
    return this.#sessions.beat(worker, sessionMs, atWork);
  }

  async settled(worker: string, runs: readonly ParkedRun[]): Promise<void> {
    this.#now();
    for (const { run: id, fence } of runs) {
      const run = this.#runs.get(id);
      const isSame = run?.parkedBy?.worker === worker && run.parkedBy.fence === fence;
      if (run !== undefined && isSame) run.parkedBy = undefined;
    }
  }

  async deregister(worker: string, seen?: SeenWorker): Promise<boolean> {
    this.#now();
    if (seen !== undefined && !this.#sessions.isStill(worker, seen)) return false;
    this.#wakeParked(worker);
    this.#sessions.deregister(worker);
    return true;
  }

  async elect(worker: string, lockMs: number): Promise<Election> {
    this.#now();
    return this.#sessions.elect(worker, lockMs);
  }

  async due(params: DueParams): Promise<readonly DueRun[]> {
    const now = this.#now();
    return takeDue(this.#runs.values(), params, now).map((run) => toDueRun(run, now));
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
      this.#noteLost(run);
      this.#changed(run.id);
    }
    if (params.runs === undefined && taken.length < params.limit) this.#wakeParked(worker);
    return taken.map((run) => toDueRun(run, now));
  }

  async unproven(worker: string): Promise<readonly string[]> {
    this.#now();
    const unproven = this.#heldBy(worker).filter((run) => !progressOf(run).isProven);
    return unproven.slice(0, 2).map(({ id }) => id);
  }

  async workers(): Promise<readonly WorkerRecord[]> {
    this.#now();
    return this.#sessions.list();
  }

  async registered(): Promise<readonly string[]> {
    this.#now();
    return this.#sessions.list().map(({ id }) => id);
  }

  async alive(): Promise<number> {
    this.#now();
    return this.#sessions.alive;
  }

  async atWork(worker: string): Promise<string> {
    this.#now();
    return this.#sessions.atWork(worker);
  }

  async holders(): Promise<readonly string[]> {
    this.#now();
    const workers = [...this.#runs.values()].map((run) =>
      run.unmanaged ? undefined : (run.worker ?? run.parkedBy?.worker),
    );
    return [...new Set(workers.filter((worker) => worker !== undefined))];
  }

  async held(worker: string): Promise<readonly string[]> {
    this.#now();
    return this.#heldBy(worker).map(({ id }) => id);
  }

  async recoveries(limit: number): Promise<readonly Recovery[]> {
    this.#now();
    return this.#recoveries.slice(0, limit);
  }

  async drain(worker: string): Promise<boolean> {
    this.#now();
    if (!this.#sessions.drain(worker)) return false;
    this.ask(worker, undefined);
    return true;
  }

  /** A run was taken from its worker just now. */
  #noteLost({ id, workflow, status, lost }: StoredRun): void {
    if (lost === undefined) return;
    const quarantined = status === 'quarantined';
    this.#recoveries.unshift({ run: id, workflow, ...lost, quarantined });
    this.#recoveries.length = Math.min(this.#recoveries.length, recoveriesKept);
  }

  /** Their handlers may have gone on, and nobody else would know. */
  #wakeParked(worker: string): void {
    for (const run of this.#runs.values()) {
      if (run.parkedBy?.worker !== worker) continue;
      run.parkedBy = undefined;
      wake(run, this.#now());
    }
  }

  #heldBy(worker: string): StoredRun[] {
    return [...this.#runs.values()].filter((run) => run.worker === worker && !run.unmanaged);
  }
}
