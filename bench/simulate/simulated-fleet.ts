/**
 * A store and a queue of the size that nobody starts for a test: ten thousand workers, ten million waiting runs. It answers
 * what the sweeper asks by the same contract, and nothing else; every call waits its turn at one Redis, which is busy for as
 * long as the call was measured to cost.
 *
 * Runs that only wait are a sorted array of times. What stands in nobody's array is due: woken, or lost by a worker.
 */
import type { Clock } from '../../src/core/clock.ts';
import type {
  DueParams,
  Fleet,
  InterruptParams,
  Election,
  WorkerRecord,
} from '../../src/core/fleet.ts';
import type { ResumeQueue, WakeUp } from '../../src/core/queue.ts';
import type { DueRun } from '../../src/core/due-run.ts';
import type { RunStore } from '../../src/core/store.ts';
import { type Call, costs, overheadMicros } from './costs.ts';

interface Member {
  readonly id: string;
  held: string[];
  /** When its process was killed. */
  diedAt: number | undefined;
  forgotten: boolean;
}

/** Waits for a worker, and since when. */
interface Late {
  readonly status: 'waiting' | 'interrupted';
  readonly since: number;
  dueAt: number;
}

export interface FleetOptions {
  readonly clock: Clock;
  readonly workers: number;
  readonly heldByEach: number;
  readonly waitingRuns: number;
  /** The timers of the waiting runs are spread evenly over this time. */
  readonly spreadMs: number;
}

/** How long a worker takes from a wake-up in the queue to its claim, beside the calls themselves. */
const deliveryMs = 2;
const beatMs = 5_000;
/** Workers that one call tells of. */
const workersPerCall = 200;

type UsedFleet = Pick<
  Fleet,
  'elect' | 'interrupt' | 'deregister' | 'due' | 'holders' | 'registered' | 'unproven' | 'workers'
>;
type Used = Pick<RunStore, 'record' | 'parentNotified' | 'delete'> & { readonly fleet: UsedFleet };

export class SimulatedFleet {
  readonly members: Member[];
  /** From when its worker was killed to when another one had it, for each run. */
  readonly takeovers: number[] = [];
  /** From the time a run was to wake at to its claim. */
  readonly lateness: number[] = [];
  readonly calls = new Map<Call, { count: number; micros: number }>();
  readonly #options: FleetOptions;
  readonly #byId: Map<string, Member>;
  readonly #late = new Map<string, Late>();
  #busyUntil = 0;
  #nextWaiting = 0;
  #leader: { readonly id: string; until: number } | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.members = Array.from({ length: options.workers }, (_, i) => ({
      id: `worker-${i}`,
      diedAt: undefined,
      forgotten: false,
      held: Array.from({ length: options.heldByEach }, (_unused, k) => `held-${i}-${k}`),
    }));
    this.#byId = new Map(this.members.map((member) => [member.id, member]));
  }

  /** What a sweeper uses of a store. */
  get store(): RunStore {
    const used: Used = {
      fleet: this.#fleet,
      record: async () => undefined,
      parentNotified: async () => undefined,
      delete: async () => ({ outcome: 'missing' }),
    };
    return used as unknown as RunStore;
  }

  get queue(): ResumeQueue {
    return { send: (wakeUp: WakeUp) => this.#send(wakeUp) } as unknown as ResumeQueue;
  }

  /** Beats are not answered by anything: only their load is there. */
  beat(): void {
    const { clock } = this.#options;
    for (const [i, member] of this.members.entries()) {
      const first = (i / this.members.length) * beatMs;
      void clock.sleep(first).then(() =>
        clock.repeat(async () => {
          if (member.diedAt === undefined) await this.#serve('beat');
          return beatMs;
        }),
      );
    }
  }

  kill(count: number): void {
    const alive = this.members.filter(({ diedAt }) => diedAt === undefined);
    // Not the leader, which is the first: that its successor is elected is another figure.
    for (const member of alive.slice(-count)) member.diedAt = this.#options.clock.now();
  }

  isDead(worker: string): boolean {
    return this.#byId.get(worker)?.diedAt !== undefined;
  }

  async #elect(worker: string, lockMs: number): Promise<Election> {
    const { clock } = this.#options;
    const alive = this.members.filter(({ forgotten }) => !forgotten).length;
    const leader = this.#leader;
    const isFree = leader === undefined || leader.until < clock.now() || this.isDead(leader.id);
    if (leader?.id !== worker && !isFree) {
      await this.#serve('followerElect');
      return { leader: false, workers: alive };
    }
    this.#leader = { id: worker, until: clock.now() + lockMs };
    await this.#serve('elect', alive);
    const lost = this.members.flatMap(({ id, diedAt, forgotten }) =>
      diedAt === undefined || forgotten
        ? []
        : [{ worker: id, reason: 'presence-lost' as const, lastSeenAt: diedAt }],
    );
    return { leader: true, workers: alive, at: clock.now(), lost };
  }

  async #interrupt({ worker, limit, resendMs }: InterruptParams): Promise<DueRun[]> {
    const member = this.#byId.get(worker);
    const taken = member?.held.splice(0, limit) ?? [];
    await this.#serve('interrupt', taken.length);
    const now = this.#options.clock.now();
    const since = member?.diedAt ?? now;
    return taken.map((run) => {
      this.#late.set(run, { status: 'interrupted', since, dueAt: now + resendMs });
      return dueRun(run, 'interrupted');
    });
  }

  async #deregister(worker: string): Promise<boolean> {
    await this.#serve('deregister');
    const member = this.#byId.get(worker);
    if (member !== undefined) member.forgotten = true;
    return true;
  }

  /** What a sweeper asks of the workers. Every run has made progress. */
  get #fleet(): UsedFleet {
    return {
      elect: (worker, lockMs) => this.#elect(worker, lockMs),
      interrupt: (params) => this.#interrupt(params),
      deregister: async (worker) => {
        await this.#deregister(worker);
        return true;
      },
      due: (params) => this.#due(params),
      holders: async () => {
        await this.#serve('orphans', this.members.length);
        return [];
      },
      registered: async () => {
        await this.#serve('registered', this.members.length);
        return [];
      },
      unproven: async (worker) => {
        await this.#serve('unproven', this.#byId.get(worker)?.held.length);
        return [];
      },
      workers: async () => {
        for (let from = 0; from < this.members.length; from += workersPerCall) {
          await this.#serve('workers', workersPerCall);
        }
        return [{ workflows: { w: 1 } } as unknown as WorkerRecord];
      },
    };
  }

  async #due({ limit, resendMs, aheadMs = 0 }: DueParams): Promise<DueRun[]> {
    const now = this.#options.clock.now();
    const found: DueRun[] = [];
    const { waitingRuns, spreadMs } = this.#options;
    const wakeAt = (run: number): number => ((run + 1) / waitingRuns) * spreadMs;
    const awake = aheadMs > 0 ? 0 : limit;
    while (found.length < awake && wakeAt(this.#nextWaiting) <= now) {
      const run = `waiting-${this.#nextWaiting}`;
      const since = wakeAt(this.#nextWaiting);
      this.#late.set(run, { status: 'waiting', since, dueAt: now + resendMs });
      this.#nextWaiting += 1;
      found.push(dueRun(run, 'waiting'));
    }
    for (const [run, late] of this.#late) {
      if (found.length >= limit) break;
      if (late.dueAt > now + aheadMs || (aheadMs > 0 && late.status === 'waiting')) continue;
      if (found.some((one) => one.run === run)) continue;
      late.dueAt = now + resendMs;
      found.push(dueRun(run, late.status));
    }
    await this.#serve('due', found.length);
    return found;
  }

  /** A wake-up, and what becomes of it: some worker takes it and claims the run. */
  async #send({ run }: WakeUp): Promise<void> {
    await this.#serve('send');
    void this.#deliver(run);
  }

  async #deliver(run: string): Promise<void> {
    const { clock } = this.#options;
    await clock.sleep(deliveryMs);
    await this.#serve('take');
    await this.#serve('claim');
    const late = this.#late.get(run);
    // Doubled wake-ups find the run claimed.
    if (late === undefined) return;
    this.#late.delete(run);
    (late.status === 'waiting' ? this.lateness : this.takeovers).push(clock.now() - late.since);
    if (late.status === 'waiting') await this.#serve('park');
  }

  /** Waits until Redis has come to it and done it. */
  #serve(call: Call, size = 0): Promise<void> {
    const { clock } = this.#options;
    const micros = costs[call](size) + overheadMicros;
    const entry = this.calls.get(call) ?? { count: 0, micros: 0 };
    this.calls.set(call, { count: entry.count + 1, micros: entry.micros + micros });
    this.#busyUntil = Math.max(this.#busyUntil, clock.now()) + micros / 1000;
    return clock.sleep(this.#busyUntil - clock.now());
  }
}

function dueRun(run: string, status: DueRun['status']): DueRun {
  const owing = { notifyPending: false, cancelPending: false, asleep: false };
  return { run, status, workflow: 'w', fence: 1, losses: 0, priority: 0, ...owing };
}
