/**
 * Runs that nobody claims because nobody can: their wake-ups wait for a worker that knows their workflow. That is said in
 * the log now and then, for each workflow. Which workflows are known is asked rarely, because there may be many workers.
 */
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { DueRun } from '../../core/due-run.ts';
import type { Fleet } from '../../core/fleet.ts';

/** What is known is asked for anew after this time; sooner when something seems unknown. */
const freshMs = 60_000;
const unsureMs = 5_000;
const complainEveryMs = 60_000;

export interface UnknownWorkflowsOptions {
  readonly fleet: Pick<Fleet, 'workers'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class UnknownWorkflows {
  readonly #options: UnknownWorkflowsOptions;
  #known: ReadonlySet<string> = new Set();
  #askedAt = -Infinity;
  /** By workflow: when it was said. */
  readonly #saidAt = new Map<string, number>();

  constructor(options: UnknownWorkflowsOptions) {
    this.#options = options;
  }

  /** Looks at runs whose wake-ups were sent again. Never rejects: what is not said now is said later. */
  async note(runs: readonly Pick<DueRun, 'run' | 'workflow'>[]): Promise<void> {
    if (runs.length === 0) return;
    const { logger, clock } = this.#options;
    try {
      await this.#ask(runs);
    } catch (error) {
      logger.debug({ error: String(error) }, 'workers not looked at');
      return;
    }
    const now = clock.monotonic();
    for (const { run, workflow } of runs) {
      if (this.#known.has(workflow)) continue;
      if (now - (this.#saidAt.get(workflow) ?? -Infinity) < complainEveryMs) continue;
      this.#saidAt.set(workflow, now);
      logger.warn(
        { workflow, run },
        'no worker knows this workflow; its runs wait for one that does',
      );
    }
  }

  async #ask(runs: readonly Pick<DueRun, 'workflow'>[]): Promise<void> {
    const { fleet, clock } = this.#options;
    const ageMs = clock.monotonic() - this.#askedAt;
    const isSure = runs.every(({ workflow }) => this.#known.has(workflow));
    if (ageMs < (isSure ? freshMs : unsureMs)) return;
    const workers = await fleet.workers();
    this.#known = new Set(workers.flatMap(({ workflows }) => Object.keys(workflows)));
    this.#askedAt = clock.monotonic();
  }
}
