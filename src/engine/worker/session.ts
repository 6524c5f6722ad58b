/**
 * A worker's session: one beat for the whole process, however many runs it holds.
 *
 * Beats and presence decide only when others take over; what may be written is decided by the fence. A beat that fails is
 * tried again at the next turn: the loop never ends before the worker does.
 */
import { detach } from '../../core/detached.ts';
import { hostname } from 'node:os';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { RunStore } from '../../core/store.ts';
import { LoopLag } from './loop-lag.ts';

export interface SessionOptions {
  readonly store: RunStore;
  readonly worker: string;
  readonly workflows: Readonly<Record<string, number>>;
  readonly concurrency: number;
  readonly beatMs: number;
  readonly sessionMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Runs held now. */
  readonly active: () => number;
  /** The steps at work, as `tellSteps` says them. */
  readonly atWork: () => string;
  /** Called when the worker is to leave. */
  readonly leave: () => void;
  /** Called when somebody wants something of a run that is held; without a run, of any. */
  readonly asked: (run: string | undefined) => void;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #lag = new LoopLag();
  #stopBeats: (() => Promise<void>) | undefined;
  /** When a beat that was answered was sent, on the monotonic clock. */
  #renewedAt = 0;
  /** How often the session may have ended without this process having noticed: it was frozen, or cut off. */
  #lapses = 0;
  /** The worker leaves, or has left: a beat would bring it back. */
  #isOver = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Makes the worker visible; resolves after the first beat. */
  async begin(): Promise<void> {
    const { store, worker, clock, beatMs } = this.#options;
    this.#lag.begin();
    await store.fleet.appear(worker, (run) => {
      this.#options.asked(run);
      if (run === undefined) detach(this.#beatIfPossible(), () => undefined);
    });
    await this.#beat();
    let isFirst = true;
    this.#stopBeats = clock.repeat(async () => {
      if (!isFirst) await this.#beatIfPossible();
      isFirst = false;
      return beatMs;
    });
  }

  /** For how long the session has not been known to be alive, in milliseconds. */
  get ageMs(): number {
    return this.#options.clock.monotonic() - this.#renewedAt;
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
    await this.#options.store.fleet.leave(this.#options.worker);
  }

  async #beatIfPossible(): Promise<void> {
    if (this.#isOver) return;
    const { worker, logger } = this.#options;
    try {
      await this.#beat();
    } catch (error) {
      logger.warn({ worker, error: String(error) }, 'beat failed, trying again');
    }
  }

  /** The message to leave may be lost, so every beat tells of it as well. */
  async #beat(): Promise<void> {
    const { store, worker, workflows, concurrency, sessionMs, active, atWork, leave } =
      this.#options;
    const sentAt = this.#options.clock.monotonic();
    const { draining } = await store.fleet.beat(
      {
        id: worker,
        host: hostname(),
        pid: process.pid,
        workflows,
        concurrency,
        active: active(),
        loopLagMs: this.loopLagMs,
      },
      sessionMs,
      atWork(),
    );
    if (this.#renewedAt > 0 && sentAt - this.#renewedAt > sessionMs / 2) this.#lapses += 1;
    this.#renewedAt = sentAt;
    if (draining) leave();
  }
}
