/**
 * A worker's session: one beat for the whole process, however many runs it holds.
 *
 * Beats and presence decide only when others take over; what may be written is decided by the fence. A beat that fails is
 * tried again at the next turn: the loop never ends before the worker does.
 */
import type { OnNudge } from '../../core/fleet.ts';
import { detach } from '../../core/detached.ts';
import { hostname } from 'node:os';
import type { SessionView } from '../execution/services.ts';
import { LoopLag } from './loop-lag.ts';
import type { ServicesWith } from './services.ts';

type Services = ServicesWith<
  'store' | 'worker' | 'clock' | 'logger',
  'concurrency' | 'beatMs' | 'sessionMs'
>;

/** The worker's process, as its session tells of it and is told of it. */
export interface SessionProcess {
  /** Runs held now. */
  readonly active: () => number;
  /** The steps at work, as `tellSteps` says them. */
  readonly atWork: () => string;
  /** Called when the worker is to leave. */
  readonly leave: () => void;
  /** Called when somebody wants something of a run that is held; without a run, of any. */
  readonly onNudge: OnNudge;
}

export class Session implements SessionView {
  readonly #services: Services;
  readonly #workflows: Readonly<Record<string, number>>;
  readonly #process: SessionProcess;
  readonly #lag = new LoopLag();
  #stopBeats: (() => Promise<void>) | undefined;
  /** When a beat that was answered was sent, on the monotonic clock. */
  #renewedAt = 0;
  /** How often the session may have ended without this process having noticed: it was frozen, or cut off. */
  #lapses = 0;
  /** The worker leaves, or has left: a beat would bring it back. */
  #isOver = false;

  /** `workflows`: the version of each, by its name. */
  constructor(
    services: Services,
    workflows: Readonly<Record<string, number>>,
    ofProcess: SessionProcess,
  ) {
    this.#services = services;
    this.#workflows = workflows;
    this.#process = ofProcess;
  }

  /** Makes the worker visible; resolves after the first beat. */
  async begin(): Promise<void> {
    const { store, worker, clock, settings } = this.#services;
    this.#lag.begin();
    await store.fleet.register(worker, (run, about) => {
      this.#process.onNudge(run, about);
      if (run === undefined) detach(this.#beatIfPossible(), () => undefined);
    });
    await this.#beat();
    let isFirst = true;
    this.#stopBeats = clock.repeat(async () => {
      if (!isFirst) await this.#beatIfPossible();
      isFirst = false;
      return settings.beatMs;
    });
  }

  /** For how long the session has not been known to be alive, in milliseconds. */
  get ageMs(): number {
    return this.#services.clock.monotonic() - this.#renewedAt;
  }

  /** Grows with each gap after which runs may have been taken by others. */
  get lapses(): number {
    return this.#lapses;
  }

  /** Longest block of the event loop of late, in milliseconds. */
  get loopLagMs(): number {
    return this.#lag.ms;
  }

  /** Ends the session; the worker must hold nothing any more. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#stopBeats?.();
    this.#lag.end();
    await this.#services.store.fleet.deregister(this.#services.worker);
  }

  async #beatIfPossible(): Promise<void> {
    if (this.#isOver) return;
    const { worker, logger } = this.#services;
    try {
      await this.#beat();
    } catch (error) {
      logger.warn({ worker, error: String(error) }, 'beat failed, trying again');
    }
  }

  /** The message to leave may be lost, so every beat tells of it as well. */
  async #beat(): Promise<void> {
    const { store, worker, clock, settings } = this.#services;
    const { concurrency, sessionMs } = settings;
    const sentAt = clock.monotonic();
    const { draining } = await store.fleet.beat(
      {
        id: worker,
        host: hostname(),
        pid: process.pid,
        workflows: this.#workflows,
        concurrency,
        active: this.#process.active(),
        loopLagMs: this.loopLagMs,
      },
      sessionMs,
      this.#process.atWork(),
    );
    if (this.#renewedAt > 0 && sentAt - this.#renewedAt > sessionMs / 2) this.#lapses += 1;
    this.#renewedAt = sentAt;
    if (draining) this.#process.leave();
  }
}
