/**
 * A store and a queue of the size that nobody starts for a test: ten thousand workers, a hundred million waiting runs. It
 * answers what the sweeper asks by the same contract, and nothing else. Every call waits its turn at its master of Redis,
 * which is busy for as long as the call was measured to cost. With more masters than one, runs are spread over as many
 * shards; sessions are on the first master, BullMQ's queue is on another.
 *
 * Runs that only wait are a sorted array of times. What stands in nobody's array is due: woken, or lost by a worker.
 */
import type { Clock } from '../../src/core/clock.ts';
import {
  type DueParams,
  type Election,
  firstLook,
  type Fleet,
  type InterruptParams,
  type Look,
  type WorkerRecord,
} from '../../src/core/fleet.ts';
import { fixedLimits } from '../../src/core/limits.ts';
import type { ResumeQueue, WakeUp } from '../../src/core/queue.ts';
import type { DueRun } from '../../src/core/due-run.ts';
import type { RunStore } from '../../src/core/store.ts';
import type { Turns } from '../../src/core/turns.ts';
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
  readonly masters: number;
  /** Between a process and a master. */
  readonly roundTripMs: number;
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
type Used = Pick<RunStore, 'record' | 'parentNotified' | 'delete'> & {
  readonly fleet: UsedFleet;
  readonly turns: Pick<Turns, 'due'>;
};

/** Where sessions are. */
const ofSessions = 0;

export class SimulatedFleet {
  readonly members: Member[];
  /** From when its worker was killed to when another one had it, for each run. */
  readonly takeovers: number[] = [];
  /** From the time a run was to wake at to its claim. */
  readonly lateness: number[] = [];
  readonly calls = new Map<Call, number>();
  /** Microseconds for which each master was busy. */
  readonly busy: number[];
  readonly #options: FleetOptions;
  readonly #byId: Map<string, Member>;
  readonly #late = new Map<string, Late>();
  readonly #busyUntil: number[];
  /** By shard: the run that wakes next, of those that only wait. */
  readonly #nextWaiting: number[];
  /** Members that are forgotten. */
  #forgotten = 0;
  #leader: { readonly id: string; until: number } | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { masters } = options;
    this.busy = Array.from({ length: masters }, () => 0);
    this.#busyUntil = Array.from({ length: masters }, () => 0);
    this.#nextWaiting = Array.from({ length: masters }, (_, shard) => shard);
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
      turns: {
        due: async () => {
          await this.#serve('turnsDue');
          return { granted: [], doubtful: [] };
        },
      },
    };
    return used as unknown as RunStore;
  }

  get queue(): ResumeQueue {
    return { send: (wakeUp: WakeUp) => this.#send(wakeUp) } as unknown as ResumeQueue;
  }

  /** Nobody has a schedule; the elected sweeper asks nevertheless. */
  attendSchedules(): void {
    void this.#serve('schedulesDue');
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

  async #elect(
    worker: string,
    lockMs: number,
    { from, again }: Look = firstLook,
  ): Promise<Election> {
    const { clock } = this.#options;
    const alive = this.members.length - this.#forgotten;
    const leader = this.#leader;
    const isFree = leader === undefined || leader.until < clock.now() || this.isDead(leader.id);
    if (leader?.id !== worker && !isFree) {
      await this.#serve('followerElect');
      return { leader: false, workers: alive };
    }
    this.#leader = { id: worker, until: clock.now() + lockMs };
    const first = Number(from);
    const to = first + fixedLimits.workersPerLook;
    const suspects = again.flatMap((id) => this.#byId.get(id) ?? []);
    const seen = new Set([...suspects, ...this.members.slice(first, to)]);
    await this.#serve('elect', { size: seen.size });
    const lost = [...seen].flatMap(({ id, diedAt, forgotten }) =>
      diedAt === undefined || forgotten
        ? []
        : [{ worker: id, reason: 'presence-lost' as const, lastSeenAt: diedAt }],
    );
    const next = to < this.members.length ? String(to) : firstLook.from;
    return { leader: true, workers: alive, at: clock.now(), next, lost };
  }

  async #interrupt({ worker, limit, resendMs }: InterruptParams): Promise<DueRun[]> {
    const { masters, clock } = this.#options;
    const member = this.#byId.get(worker);
    const found: DueRun[] = [];
    for (let shard = 0; shard < masters && found.length < limit; shard++) {
      const own = (member?.held ?? []).filter((run) => this.#shardOf(run) === shard);
      const taken = new Set(own.slice(0, limit - found.length));
      await this.#serve('interrupt', { master: shard, size: taken.size });
      if (member !== undefined) member.held = member.held.filter((run) => !taken.has(run));
      const now = clock.now();
      const since = member?.diedAt ?? now;
      for (const run of taken) {
        this.#late.set(run, { status: 'interrupted', since, dueAt: now + resendMs });
        found.push(dueRun(run, 'interrupted'));
      }
    }
    return found;
  }

  async #deregister(worker: string): Promise<boolean> {
    await this.#serve('deregister');
    await this.#eachShard('unpark');
    const member = this.#byId.get(worker);
    if (member?.forgotten === false) {
      member.forgotten = true;
      this.#forgotten += 1;
    }
    return true;
  }

  /** What a sweeper asks of the workers. Every run has made progress. */
  get #fleet(): UsedFleet {
    return {
      elect: (...asked) => this.#elect(...asked),
      interrupt: (params) => this.#interrupt(params),
      deregister: async (worker) => {
        await this.#deregister(worker);
        return true;
      },
      due: (params) => this.#due(params),
      holders: async () => {
        await this.#eachShard('holders', this.members.length);
        return [];
      },
      registered: async () => {
        await this.#serve('registered', { size: this.members.length });
        return [];
      },
      unproven: async (worker) => {
        await this.#eachShard('unproven', this.#byId.get(worker)?.held.length);
        return [];
      },
      workers: async () => {
        for (let from = 0; from < this.members.length; from += workersPerCall) {
          await this.#serve('workers', { size: workersPerCall });
        }
        return [{ workflows: { w: 1 } } as unknown as WorkerRecord];
      },
    };
  }

  /** Each shard in turn, until there are enough. */
  async #due({ limit, resendMs, aheadMs = 0 }: DueParams): Promise<DueRun[]> {
    const found: DueRun[] = [];
    for (let shard = 0; shard < this.#options.masters && found.length < limit; shard++) {
      const own = this.#dueOf(shard, { limit: limit - found.length, resendMs, aheadMs });
      found.push(...own);
      await this.#serve('due', { master: shard, size: own.length });
    }
    return found;
  }

  #dueOf(shard: number, { limit, resendMs, aheadMs }: Required<DueParams>): DueRun[] {
    const { waitingRuns, spreadMs, clock, masters } = this.#options;
    const now = clock.now();
    const found = new Map<string, DueRun>();
    const wakeAt = (run: number): number => ((run + 1) / waitingRuns) * spreadMs;
    const awake = aheadMs > 0 ? 0 : limit;
    for (let next = this.#nextWaiting[shard] ?? 0; found.size < awake && wakeAt(next) <= now;) {
      const run = `waiting-${next}`;
      this.#late.set(run, { status: 'waiting', since: wakeAt(next), dueAt: now + resendMs });
      found.set(run, dueRun(run, 'waiting'));
      next += masters;
      this.#nextWaiting[shard] = next;
    }
    for (const [run, late] of this.#late) {
      if (found.size >= limit) break;
      if (late.dueAt > now + aheadMs || (aheadMs > 0 && late.status === 'waiting')) continue;
      if (found.has(run) || this.#shardOf(run) !== shard) continue;
      late.dueAt = now + resendMs;
      found.set(run, dueRun(run, late.status));
    }
    return [...found.values()];
  }

  /** A wake-up, and what becomes of it: some worker takes it and claims the run. */
  async #send({ run }: WakeUp): Promise<void> {
    await this.#serve('send', { master: this.#ofQueue });
    void this.#deliver(run);
  }

  async #deliver(run: string): Promise<void> {
    const { clock } = this.#options;
    const master = this.#shardOf(run);
    await clock.sleep(deliveryMs);
    await this.#serve('take', { master: this.#ofQueue });
    await this.#serve('claim', { master });
    const late = this.#late.get(run);
    // Doubled wake-ups find the run claimed.
    if (late === undefined) return;
    this.#late.delete(run);
    (late.status === 'waiting' ? this.lateness : this.takeovers).push(clock.now() - late.since);
    if (late.status === 'waiting') await this.#serve('park', { master });
  }

  /** Another master than that of the sessions, if there is one. */
  get #ofQueue(): number {
    return 1 % this.#options.masters;
  }

  /** By the number that its name ends with. */
  #shardOf(run: string): number {
    return Number(run.slice(run.lastIndexOf('-') + 1)) % this.#options.masters;
  }

  /** The same of each shard, one after the other; `size` is of all together. */
  async #eachShard(call: Call, size = 0): Promise<void> {
    const { masters } = this.#options;
    for (let master = 0; master < masters; master++) {
      await this.#serve(call, { master, size: Math.ceil(size / masters) });
    }
  }

  /** Waits until the master has come to it and done it. */
  async #serve(call: Call, { master = ofSessions, size = 0 } = {}): Promise<void> {
    const { clock, roundTripMs } = this.#options;
    const micros = costs[call](size) + overheadMicros;
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1);
    this.busy[master] = (this.busy[master] ?? 0) + micros;
    const until = Math.max(this.#busyUntil[master] ?? 0, clock.now()) + micros / 1000;
    this.#busyUntil[master] = until;
    await clock.sleep(until - clock.now() + roundTripMs);
  }
}

function dueRun(run: string, status: DueRun['status']): DueRun {
  const owing = { notifyPending: false, cancelPending: false, asleep: false };
  return { run, status, workflow: 'w', fence: 1, losses: 0, priority: 0, ...owing };
}
