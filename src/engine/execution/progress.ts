/**
 * How far a run is, as its handler says, or its maps: told to callers and dashboards a few times a second at most, the last
 * always. The store takes it from the owner alone, so that a run is parked, handed back or ended after what is unsaid was
 * told: see `settle`. That costs a round trip only where something is unsaid. A crash leaves what was told before.
 */
import { detach } from '../../core/detached.ts';
import type { HeldRun } from './held-run.ts';
import type { ExecutionServices } from './services.ts';

const pauseMs = 250;

type Held = Pick<HeldRun, 'writer' | 'report'>;
type Services = Pick<ExecutionServices, 'store' | 'logger' | 'clock'>;

interface Progress {
  readonly fraction: number;
  readonly message: string | undefined;
}

export class ProgressReporter {
  readonly #held: Held;
  readonly #services: Services;
  readonly #onTold: () => void;
  #latest: Progress | undefined;
  #isTold = false;
  #isSending = false;
  #sending: Promise<void> | undefined;

  /** `onTold`: what was held up has been told. */
  constructor(held: Held, services: Services, onTold: () => void) {
    this.#held = held;
    this.#services = services;
    this.#onTold = onTold;
  }

  /** What the handler says. */
  report(progress: Progress): void {
    this.#isTold = true;
    this.#note(progress);
  }

  /** How far a map, or children that are started together, are; a handler that says so itself knows better. */
  readonly ofItems = (name: string, over: number, count: number): void => {
    if (this.#isTold) return;
    this.#note({ fraction: over / count, message: `${name}: ${over} of ${count}` });
  };

  /** True when something is unsaid: it is told now, and `onTold` is called. The run must not leave this worker before. */
  holdsUp(): boolean {
    if (!this.#isUnsaid) return false;
    detach(this.settle().then(this.#onTold), this.#onTold);
    return true;
  }

  /** Tells at once what is unsaid. The run may leave this worker when it resolves. */
  async settle(): Promise<void> {
    while (this.#isUnsaid) await (this.#sending ?? this.#tell());
  }

  /** Not told yet, or on its way. */
  get #isUnsaid(): boolean {
    return this.#latest !== undefined || this.#sending !== undefined;
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
      await (this.#sending ?? this.#tell());
      await this.#services.clock.sleep(pauseMs);
    }
    this.#isSending = false;
  }

  async #tell(): Promise<void> {
    const progress = this.#latest;
    if (progress === undefined) return;
    this.#latest = undefined;
    this.#sending = noteProgress(this.#held, this.#services, progress).finally(() => {
      this.#sending = undefined;
    });
    await this.#sending;
  }
}

/** Tells the store, and the dashboards of the queue. Never rejects: it is no part of the log. */
async function noteProgress(
  { writer, report }: Held,
  { store, logger }: Services,
  { fraction, message = '' }: Progress,
): Promise<void> {
  report(fraction);
  try {
    await store.progress(writer.ownership, { fraction, message });
  } catch (error) {
    logger.debug({ run: writer.ownership.run, error: String(error) }, 'progress not noted');
  }
}
