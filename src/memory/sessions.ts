/** Workers, their presence and the election of the sweeper, in memory. */
import {
  type Beat,
  type Election,
  firstLook,
  type SeenWorker,
  type WorkerInfo,
  type WorkerRecord,
} from '../core/fleet.ts';

export class MemorySessions {
  readonly #clock: { now(): number };
  /** Workers whose process is there now. */
  readonly #present = new Set<string>();
  /** Workers whose process has died: nothing more is heard of them, whatever this process still sends in their name. */
  readonly #dead = new Set<string>();
  readonly #workers = new Map<string, WorkerRecord>();
  /** By worker: what it said of the steps it has at work. */
  readonly #atWork = new Map<string, string>();
  #sweeper: { readonly worker: string; readonly until: number } | undefined;

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  register(worker: string): void {
    this.#present.add(worker);
    this.#dead.delete(worker);
  }

  disconnect(worker: string): void {
    this.#present.delete(worker);
  }

  vanish(worker: string): void {
    this.disconnect(worker);
    this.#dead.add(worker);
  }

  beat(worker: WorkerInfo, sessionMs: number, atWork: string): Beat {
    const now = this.#clock.now();
    const draining = this.#workers.get(worker.id)?.draining ?? false;
    if (this.#dead.has(worker.id)) return { draining };
    this.#atWork.set(worker.id, atWork);
    this.#workers.set(worker.id, {
      ...worker,
      presence: this.#present.has(worker.id),
      draining,
      startedAt: this.#workers.get(worker.id)?.startedAt ?? now,
      seenAt: now,
      sessionEndsAt: now + sessionMs,
    });
    return { draining };
  }

  /** False when there is no such worker. */
  drain(worker: string): boolean {
    const record = this.#workers.get(worker);
    if (record !== undefined) this.#workers.set(worker, { ...record, draining: true });
    return record !== undefined;
  }

  deregister(worker: string): void {
    this.#present.delete(worker);
    this.#workers.delete(worker);
    this.#atWork.delete(worker);
    if (this.#sweeper?.worker === worker) this.#sweeper = undefined;
  }

  /** It has shown no sign of life since it was looked at. */
  isStill(worker: string, { seenAt, isAbsent = false }: SeenWorker): boolean {
    const isBack = isAbsent && this.#present.has(worker);
    return (this.#workers.get(worker)?.seenAt ?? 0) === seenAt && !isBack;
  }

  atWork(worker: string): string {
    return this.#atWork.get(worker) ?? '';
  }

  list(): readonly WorkerRecord[] {
    return [...this.#workers.values()];
  }

  get alive(): number {
    const now = this.#clock.now();
    return this.list().filter(({ sessionEndsAt }) => sessionEndsAt >= now).length;
  }

  elect(worker: string, lockMs: number): Election {
    const now = this.#clock.now();
    const workers = this.#workers.size;
    if (this.#sweeper !== undefined && this.#sweeper.worker !== worker) {
      const isThere = !this.#hasVanished(this.#sweeper.worker);
      if (isThere && this.#sweeper.until > now) return { leader: false, workers };
    }
    this.#sweeper = { worker, until: now + lockMs };
    const lost = [];
    for (const record of this.#workers.values()) {
      const reason = this.#hasVanished(record.id)
        ? ('presence-lost' as const)
        : record.sessionEndsAt < now
          ? ('session-expired' as const)
          : undefined;
      if (reason !== undefined) lost.push({ worker: record.id, reason, lastSeenAt: record.seenAt });
    }
    return { leader: true, workers, at: now, next: firstLook.from, lost };
  }

  /** A worker that was seen to be there and is not any more. */
  #hasVanished(worker: string): boolean {
    return this.#workers.get(worker)?.presence === true && !this.#present.has(worker);
  }
}
