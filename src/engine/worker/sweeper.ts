/**
 * The sweeper: finds what is due. Every worker runs one; the store elects which of them works.
 *
 *   look ───▶ not elected: ask again later, the rarer the more workers there are
 *     └─────▶ elected ──▶ workers lost?  their runs: interrupted, sent to the resume queue
 *   sweep ──▶ elected ──▶ schedules due? the runs of their times are started (schedules/keeper.ts)
 *                    ──▶ runs due?      wake-ups sent again; ended runs whose time is over: deleted
 *                    ──▶ turns?         those that time allows are granted, those in doubt looked at (turn-keeper.ts)
 *                    ──▶ failed jobs?   those of runs that have not failed are dropped (failed-deliveries.ts)
 *                    ──▶ holders that nobody knows? (now and then) their runs: interrupted
 *
 * Looks come more often than sweeps, because a loss costs time and a look costs little. One waits for the other.
 *
 * A sweeper may die between any two calls: what it took from a worker is due, so the next sweeper sends the wake-ups. Two
 * sweepers at once do no harm either: an interrupt takes a run once, a doubled wake-up finds its fence stale.
 *
 * In a large fleet a look is at some hundred workers, and the next one goes on where it has ended; suspects are looked at in
 * each. So no look makes Redis wait, and all workers are looked at as often as if one look were at all of them.
 *
 * A worker whose presence is gone must be gone at each look of 20 ms, so that a reconnect is not taken for a death. After a
 * gap in its own looks the sweeper passes one round by before it judges sessions: beats held up by the same stall (Redis
 * frozen, machine asleep) get in first. Presence it does not judge for longer: the stall may have cut everybody's
 * connections, and not all come back at once.
 */
import { fixedLimits } from '../../core/limits.ts';
import type { SendOptions, WakeUp } from '../../core/queue.ts';
import { isEnded } from '../../core/run.ts';
import type { DueRun } from '../../core/due-run.ts';
import { type Election, firstLook, type SeenWorker } from '../../core/fleet.ts';
import { attendFamily } from '../runs/family.ts';
import { tell } from '../diagnostics.ts';
import { FailedDeliveries } from './failed-deliveries.ts';
import type { ServicesWith } from './services.ts';
import { TurnKeeper } from './turn-keeper.ts';
import { UnattendedWorkflows } from './unattended-workflows.ts';

type Services = ServicesWith<
  'store' | 'queue' | 'worker' | 'clock' | 'logger' | 'random',
  'sweepMs' | 'lockMs' | 'sessionMs' | 'resendMs' | 'quarantineAfter'
>;

type Led = Extract<Election, { leader: true }>;
type Lost = Led['lost'][number];

/** Candidates together ask about a hundred times a second, however many they are. */
const followerMsPerWorker = 10;
/**
 * All workers are looked at in this time for each of them. A look at 250 costs Redis 450 microseconds among a thousand
 * workers, and 630 among ten thousand (docs/scaling.md): an eighth of its time at most.
 */
const leaderMsPerWorker = 0.02;
/** Looks come more often than all else is looked for where that takes a fortieth of Redis' time at most, too. */
const quickMsPerWorker = 0.07;
/** A suspect is looked at again after this time: longer than a reconnect takes, and no longer. */
const confirmMs = 20;
/** Timers may be so early. */
const timerMs = 1;
/** Losses are looked for so often between two sweeps. */
const looksPerSweep = 3;
/** A gap between looks after which sessions are not judged at once. */
const stallMs = 1000;
/** A stall may have cost others their connections as well: they are back within this time. */
const settleMs = 2_000;
const orphanEveryMs = 5_000;

export class Sweeper {
  readonly #services: Services;
  readonly #attendSchedules: (lost: readonly string[]) => void;
  /** Workers without presence at the look before, each with when the look that missed it first was answered. */
  #suspects = new Map<string, { readonly lost: Lost; readonly since: number }>();
  /** Where the next look goes on. */
  #from = firstLook.from;
  /** When the looks at all workers began, now and the time before, on the store's clock; when the last look was, on ours. */
  #passBeganAt = 0;
  #polledAt = 0;
  #polledMonotonic = 0;
  /** When a look, also one as a follower, was last answered; and until when nobody's presence is judged. */
  #answeredMonotonic: number | undefined;
  #settledMonotonic = 0;
  /** How long until the next look, as was decided at the last one. */
  #delayMs = 0;
  /** At the last look: whether this one was elected, how many workers there were, and who seemed gone. */
  #leads = false;
  #workers = 0;
  #seemLost: readonly string[] = [];
  /** Settles when the look or the sweep that is under way has ended. */
  #before: Promise<unknown> = Promise.resolve();
  /** The sweep before was put off. */
  #isPutOff = false;
  #orphansAt = 0;
  #unattendedHolders = new Set<string>();
  readonly #unattended: UnattendedWorkflows;
  readonly #failed: FailedDeliveries;
  readonly #turns: TurnKeeper;
  #stops: readonly (() => Promise<void>)[] = [];

  /** `attendSchedules` begins to look after the schedules that are due; `lost`: workers that are taken for dead. */
  constructor(
    services: Services,
    attendSchedules: (lost: readonly string[]) => void = () => undefined,
  ) {
    this.#services = services;
    this.#attendSchedules = attendSchedules;
    this.#turns = new TurnKeeper(services, (wakeUp) => this.#send(wakeUp, { urgent: false }));
    this.#failed = new FailedDeliveries(services);
    this.#unattended = new UnattendedWorkflows({
      fleet: services.store.fleet,
      queue: services.queue,
      clock: services.clock,
      logger: services.logger,
    });
  }

  begin(): void {
    const { clock } = this.#services;
    this.#stops = [
      clock.repeat(async () => {
        this.#delayMs = await this.#serially(() => this.#poll());
        return this.#delayMs;
      }),
      clock.repeat(() => this.#serially(() => this.#sweep())),
    ];
  }

  async end(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()));
    await this.#failed.end();
  }

  #serially(task: () => Promise<number>): Promise<number> {
    const { logger, settings } = this.#services;
    const ended = this.#before.then(task).catch((error: unknown) => {
      logger.warn({ error: String(error) }, 'sweep failed, trying again');
      return settings.sweepMs;
    });
    this.#before = ended;
    return ended;
  }

  /** One look for losses, and what follows from it; returns the milliseconds until the next. */
  async #poll(): Promise<number> {
    const { store, worker, random, clock, settings } = this.#services;
    const { lockMs, sweepMs } = settings;
    const askedAt = clock.monotonic();
    const again = [...this.#suspects.keys()];
    const election = await store.fleet.elect(worker, lockMs, { from: this.#from, again });
    this.#noteStall();
    this.#leads = election.leader;
    this.#workers = election.workers;
    const pauseMs = sweepMs / looksPerSweep;
    if (!election.leader) {
      this.#suspects.clear();
      this.#from = firstLook.from;
      this.#polledAt = 0;
      const others = election.workers - 1;
      return Math.max(pauseMs, others * followerMsPerWorker) * (0.5 + random());
    }
    await this.#takeFromLost(election, askedAt);
    this.#seemLost = election.lost.map((lost) => lost.worker);
    if (this.#seemLost.length > 0) this.#attendSchedules(this.#seemLost);
    const quickMs = Math.min(sweepMs, election.workers * quickMsPerWorker);
    const passMs = Math.max(pauseMs, quickMs, election.workers * leaderMsPerWorker);
    const restMs = passMs / Math.max(1, Math.ceil(election.workers / fixedLimits.workersPerLook));
    return Math.max(0, Math.min(restMs, lockMs / 2, this.#untilConfirmedMs()));
  }

  /** Looks for all else that may be due; returns the milliseconds until the next time. */
  async #sweep(): Promise<number> {
    const { lockMs, sweepMs } = this.#services.settings;
    if (!this.#leads) return sweepMs;
    // Not waited for: many runs may be to start, and nobody's loss is to be noticed later for it.
    this.#attendSchedules(this.#seemLost);
    // Suspects are looked at in a moment, and a sweep that is under way then holds the look up. Once, lest sweeps starve.
    this.#isPutOff = this.#suspects.size > 0 && !this.#isPutOff;
    if (this.#isPutOff) return Math.min(sweepMs, lockMs / 2);
    await this.#sendDue();
    await this.#findOrphans();
    await this.#turns.look();
    this.#failed.attend();
    return Math.min(Math.max(sweepMs, this.#workers * leaderMsPerWorker), lockMs / 2);
  }

  /** Until the first suspect may be looked at again. */
  #untilConfirmedMs(): number {
    const now = this.#services.clock.monotonic();
    let ms = Infinity;
    for (const { since } of this.#suspects.values()) ms = Math.min(ms, since + confirmMs - now);
    return ms;
  }

  /** Whoever shared our stall may still be on the way back: that is no death. */
  #noteStall(): void {
    const now = this.#services.clock.monotonic();
    const before = this.#answeredMonotonic;
    this.#answeredMonotonic = now;
    const stalled = before !== undefined && now - before > this.#delayMs + stallMs;
    if (stalled) this.#settledMonotonic = now + settleMs;
  }

  /** `askedAt`: when the look was sent, on our clock. What it shows is not older. */
  async #takeFromLost(election: Led, askedAt: number): Promise<void> {
    const { clock } = this.#services;
    const now = clock.monotonic();
    const stalled = now - this.#polledMonotonic > stallMs;
    const before = this.#suspects;
    const taken: (readonly DueRun[])[] = [];
    this.#suspects = new Map();
    for (const lost of election.lost) {
      // What follows from a loss may have taken long; the others are looked at again first.
      const isOld = clock.monotonic() - now > stallMs;
      if (lost.reason === 'session-expired') {
        if (!stalled && !isOld) taken.push(await this.#take(lost, { seenAt: lost.lastSeenAt }));
        continue;
      }
      if (now < this.#settledMonotonic) continue;
      // It was there at the look before the first one that missed it, which is not older than the looks at all before these.
      const suspect = before.get(lost.worker) ?? {
        lost: { ...lost, lastSeenAt: Math.max(lost.lastSeenAt, this.#polledAt) },
        since: now,
      };
      if (askedAt - suspect.since >= confirmMs - timerMs && !isOld) {
        taken.push(await this.#take(suspect.lost, { seenAt: lost.lastSeenAt, isAbsent: true }));
      } else if (this.#suspects.size < fixedLimits.workersPerLook) {
        // Of more than so many at once, the others are found again.
        this.#suspects.set(lost.worker, suspect);
      }
    }
    await this.#sendTheirWakeUps(taken);
    if (this.#from === firstLook.from) this.#passBeganAt = election.at;
    if (election.next === firstLook.from) this.#polledAt = this.#passBeganAt;
    this.#from = election.next;
    this.#polledMonotonic = now;
  }

  /**
   * Interrupts all runs of a lost worker, forgets it, and wakes others. In this order: a worker that was only thought dead
   * may claim again as soon as a wake-up is sent, and must not lose the same run twice to one suspicion. One that has
   * shown a
   * sign of life since it was looked at keeps what it has.
   */
  async #take(lost: Lost, seen: SeenWorker): Promise<readonly DueRun[]> {
    const { store, logger, settings } = this.#services;
    const { resendMs, quarantineAfter } = settings;
    const limit = fixedLimits.runsPerSweep;
    const runs: DueRun[] = [];
    // Asked before the first is taken: what is left of many would look as if it had been alone.
    const [unproven, ...others] = await store.fleet.unproven(lost.worker);
    const evidence = unproven !== undefined && others.length === 0 ? { evidence: unproven } : {};
    for (;;) {
      const taken = await store.fleet.interrupt({
        ...lost,
        ...evidence,
        seen,
        resendMs,
        quarantineAfter,
        limit,
      });
      runs.push(...taken);
      if (taken.length < limit) break;
    }
    const isGone = await store.fleet.deregister(lost.worker, seen);
    await Promise.all(runs.map((run) => this.#attend(run, false)));
    if (!isGone && runs.length === 0) return runs;
    logger.warn({ ...lost, runs: runs.length }, 'worker lost');
    tell('worker:lost', () => ({ ...lost, runs: runs.length }));
    return runs;
  }

  /**
   * Workers that died may have taken wake-ups from the queue and died before the claims: those are sent again at once. Asked
   * once for all that are lost in one look: for each of a thousand it would send the others' wake-ups a thousand times.
   * `taken`: the runs of each worker that was lost; it may have held none.
   */
  async #sendTheirWakeUps(taken: readonly (readonly DueRun[])[]): Promise<void> {
    if (taken.length === 0) return;
    // Some of their turns may have been given up, and not given back.
    this.#turns.doubtAll();
    const { store, settings } = this.#services;
    const { resendMs } = settings;
    const sent = await store.fleet.due({
      limit: fixedLimits.runsPerSweep,
      resendMs,
      aheadMs: resendMs,
    });
    const known = new Set(taken.flat().map(({ run }) => run));
    const others = sent.filter(({ run }) => !known.has(run));
    await Promise.all(others.map((run) => this.#attend(run, true)));
  }

  async #sendDue(): Promise<void> {
    const { store, settings } = this.#services;
    const { resendMs } = settings;
    const limit = fixedLimits.runsPerSweep;
    for (;;) {
      const due = await store.fleet.due({ limit, resendMs });
      await Promise.all(due.map((run) => this.#attend(run, true)));
      await this.#unattended.note(due.filter(isAwaited));
      if (due.length < limit) return;
    }
  }

  async #attend(run: DueRun, again: boolean): Promise<void> {
    const { store, logger } = this.#services;
    if (run.notifyPending || run.cancelPending || run.asleep) {
      await this.#attendFamily(run);
      return;
    }
    if (isEnded(run.status)) {
      // The answer may have come late, and a person may have let the run go on meanwhile.
      const { outcome } = await store.delete(run.run, undefined, run);
      logger.debug({ run: run.run, outcome }, 'the time of an ended run to be kept is over');
      return;
    }
    if (run.status === 'quarantined') {
      logger.error({ run: run.run }, 'run quarantined: it keeps losing its workers');
      return;
    }
    if (run.needsTurn !== undefined) {
      await this.#turns.ask({ ...run, needs: run.needsTurn });
      return;
    }
    await this.#send(run, { urgent: run.status === 'interrupted', again });
  }

  async #send(wakeUp: WakeUp, options: SendOptions): Promise<void> {
    const { queue, logger } = this.#services;
    const { run, workflow } = wakeUp;
    try {
      await queue.send(wakeUp, options);
      tell('wake-up:sent', () => ({ run, workflow, again: options.again ?? false }));
    } catch (error) {
      // It is due again soon.
      logger.warn({ run, error: String(error) }, 'wake-up not sent, it will be sent again');
    }
  }

  /** What is not done now, the run being due again, is done later. */
  async #attendFamily(run: DueRun): Promise<void> {
    const { store, queue, logger } = this.#services;
    const wake = async (wakeUp: WakeUp): Promise<void> => {
      await queue.send(wakeUp, { urgent: true });
    };
    try {
      await attendFamily({ store, logger, wake }, run);
    } catch (error) {
      logger.warn({ run: run.run, error: String(error) }, 'family not attended to, trying again');
    }
  }

  /** Runs held by a worker that is not registered: it died, or froze, between two of its own steps. */
  async #findOrphans(): Promise<void> {
    const { store, clock, settings } = this.#services;
    if (clock.monotonic() < this.#orphansAt) return;
    this.#orphansAt = clock.monotonic() + Math.min(orphanEveryMs, settings.sessionMs);
    const holders = await store.fleet.holders();
    const registered = new Set(await store.fleet.registered());
    const unknown = holders.filter((holder) => !registered.has(holder));
    const taken: (readonly DueRun[])[] = [];
    for (const worker of unknown) {
      // Twice in a row, because a worker may have registered between the two reads.
      if (this.#unattendedHolders.has(worker)) {
        const about = { worker, reason: 'session-expired', lastSeenAt: this.#polledAt } as const;
        taken.push(await this.#take(about, { seenAt: 0 }));
      }
    }
    await this.#sendTheirWakeUps(taken);
    this.#unattendedHolders = new Set(unknown);
  }
}

/** It is due because nobody has claimed it. */
function isAwaited({ status, asleep }: DueRun): boolean {
  return status === 'queued' || status === 'interrupted' || (status === 'waiting' && !asleep);
}
