/**
 * How long the event loop was blocked of late.
 *
 * Not Node's own histogram: when that is reset it forgets when it last looked, and a block that follows at once is never
 * counted. Here the time since the last look counts as well, so that a block is known in the very turn that follows it.
 */
import { performance } from 'node:perf_hooks';

const periodMs = 20;
/** A block explains a loss that is noticed a while after it. */
const rememberMs = 30_000;

export class LoopLag {
  #timer: NodeJS.Timeout | undefined;
  #polledAt = 0;
  #worst = { ms: 0, at: 0 };

  begin(): void {
    this.#polledAt = performance.now();
    this.#timer ??= setInterval(() => this.#sample(), periodMs).unref();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The longest block of the last half minute, in milliseconds. */
  get ms(): number {
    if (this.#timer !== undefined) this.#sample();
    return this.#worst.ms;
  }

  #sample(): void {
    const now = performance.now();
    const ms = Math.max(0, now - this.#polledAt - periodMs);
    this.#polledAt = now;
    if (ms >= this.#worst.ms || now - this.#worst.at > rememberMs) this.#worst = { ms, at: now };
  }
}
