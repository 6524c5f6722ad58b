/**
 * How far a run is, as its handler says, or its maps: told to callers and dashboards a few times a second at most, the last
 * always.
 */
import { detach } from '../../core/detached.ts';
import type { Clock } from '../../core/clock.ts';
import type { HeldRun } from './held-run.ts';
import type { ExecutionServices } from './services.ts';

const pauseMs = 250;

export interface Progress {
  readonly fraction: number;
  readonly message: string | undefined;
}

export class ProgressReporter {
  readonly #clock: Clock;
  readonly #send: (progress: Progress) => Promise<void>;
  #latest: Progress | undefined;
  #isTold = false;
  #isSending = false;

  /** `send` must not reject. */
  constructor(clock: Clock, send: (progress: Progress) => Promise<void>) {
    this.#clock = clock;
    this.#send = send;
  }

  /** What the handler says. */
  report(progress: Progress): void {
    this.#isTold = true;
    this.#note(progress);
  }

  /** How far a map, or children that are started together, are; a handler that says so itself knows better. */
  ofItems(name: string, over: number, count: number): void {
    if (this.#isTold) return;
    this.#note({ fraction: over / count, message: `${name}: ${over} of ${count}` });
  }

  #note(progress: Progress): void {
    this.#latest = progress;
    if (this.#isSending) return;
    detach(this.#run(), () => {
      this.#isSending = false;
    });
  }

  async #run(): Promise<void> {
    this.#isSending = true;
    while (this.#latest !== undefined) {
      const progress = this.#latest;
      this.#latest = undefined;
      await this.#send(progress);
      await this.#clock.sleep(pauseMs);
    }
    this.#isSending = false;
  }
}

/** Tells the store, and the dashboards of the queue. Never rejects: it is no part of the log. */
export async function noteProgress(
  { writer, report }: Pick<HeldRun, 'writer' | 'report'>,
  { store, logger }: Pick<ExecutionServices, 'store' | 'logger'>,
  { fraction, message = '' }: Progress,
): Promise<void> {
  report(fraction);
  try {
    await store.progress(writer.ownership, { fraction, message });
  } catch (error) {
    logger.debug({ run: writer.ownership.run, error: String(error) }, 'progress not noted');
  }
}
