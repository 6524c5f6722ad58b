/**
 * A worker's session: one beat for the whole process, however many runs it holds.
 *
 * Beats and presence decide only when others take over; what may be written is decided by the fence. A beat that fails is
 * tried again at the next turn: the loop never ends before the worker does.
 */
import { hostname } from 'node:os';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { RunStore } from '../core/store.ts';

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
  /** Called when somebody wants something of a run that is held; without a run, of any. */
  readonly asked: (run: string | undefined) => void;
}

/** A block explains a loss that is noticed a while after it. */
const rememberLagMs = 30_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #lag = monitorEventLoopDelay({ resolution: 20 });
  #stopBeats: (() => Promise<void>) | undefined;
  /** The longest block between the last two beats. */
  #notedMs = 0;
  /** The longest block of the event loop of late, and when its beat was. */
  #worstLag = { ms: 0, at: 0 };

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Makes the worker visible; resolves after the first beat. */
  async begin(): Promise<void> {
    const { store, worker, clock, logger, beatMs } = this.#options;
    this.#lag.enable();
    await store.appear(worker, this.#options.asked);
    await this.#beat();
    let isFirst = true;
    this.#stopBeats = clock.repeat(async () => {
      try {
        if (!isFirst) await this.#beat();
        isFirst = false;
      } catch (error) {
        logger.warn({ worker, error: String(error) }, 'beat failed, trying again');
      }
      return beatMs;
    });
  }

  /** Longest block of the event loop of late, in milliseconds. */
  get loopLagMs(): number {
    return Math.max(this.#worstLag.ms, maxMs(this.#lag));
  }

  /** Ends the session; the worker must hold nothing any more. */
  async end(): Promise<void> {
    await this.#stopBeats?.();
    this.#lag.disable();
    await this.#options.store.leave(this.#options.worker);
  }

  async #beat(): Promise<void> {
    const { store, worker, workflows, concurrency, sessionMs, active, clock } = this.#options;
    await store.beat(
      {
        id: worker,
        host: hostname(),
        pid: process.pid,
        workflows,
        concurrency,
        active: active(),
        loopLagMs: Math.max(this.#notedMs, maxMs(this.#lag)),
      },
      sessionMs,
    );
    this.#noteLag(clock.monotonic());
  }

  /**
   * Behind the answer to the beat: at the end of a block the beat may come before the histogram has counted it, and a reset
   * would forget the block.
   */
  #noteLag(now: number): void {
    this.#notedMs = maxMs(this.#lag);
    if (this.#notedMs >= this.#worstLag.ms || now - this.#worstLag.at > rememberLagMs) {
      this.#worstLag = { ms: this.#notedMs, at: now };
    }
    this.#lag.reset();
  }
}

/** The histogram counts in nanoseconds, and has no largest value while it is empty. */
function maxMs(histogram: IntervalHistogram): number {
  const ms = histogram.max / 1e6;
  return Number.isFinite(ms) && histogram.count > 0 ? ms : 0;
}
