/**
 * How long runs have waited for a worker, of late. The store knows that of this moment only, so this process remembers it
 * while somebody is interested: one question every ten seconds, until an hour after a page has asked for the last time.
 */
import { detach } from '../../core/detached.ts';
import type { RunStats } from '../../core/run-stats.ts';
import type { Pawl } from '../../pawl.ts';

const everyMs = 10_000;
const keptMs = 3_600_000;

export interface Sample {
  readonly at: number;
  readonly waitingMs: number;
  readonly queued: number;
}

export class Backlog {
  readonly #pawl: Pawl;
  #samples: Sample[] = [];
  #askedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(pawl: Pawl) {
    this.#pawl = pawl;
  }

  /** What is remembered, the oldest first; a page asks for it. */
  get samples(): readonly Sample[] {
    this.#askedAt = Date.now();
    this.#later();
    return this.#samples;
  }

  note({ waitingMs, runs }: RunStats): void {
    const at = Date.now();
    const last = this.#samples.at(-1);
    const sample = { at, waitingMs, queued: runs.queued + runs.interrupted };
    // The worst of ten seconds stands for them.
    if (last === undefined || at - last.at >= everyMs) this.#samples.push(sample);
    else {
      this.#samples[this.#samples.length - 1] = {
        at: last.at,
        waitingMs: Math.max(last.waitingMs, waitingMs),
        queued: Math.max(last.queued, sample.queued),
      };
    }
    this.#samples = this.#samples.filter((one) => at - one.at < keptMs);
  }

  /** It keeps no process alive, and ends with the interest, or when the store does not answer any more. */
  #later(): void {
    if (this.#timer !== undefined || Date.now() - this.#askedAt > keptMs) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const again = (stats: RunStats): void => {
        this.note(stats);
        this.#later();
      };
      detach(this.#pawl.stats().then(again), () => undefined);
    }, everyMs);
    this.#timer.unref();
  }
}
