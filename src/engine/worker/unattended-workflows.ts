/**
 * Runs that nobody claims because nobody can: no worker knows their workflow, or a person has paused its queue in a
 * dashboard of BullMQ. That is said in the log now and then, for each workflow. What is so is asked rarely, because there
 * may be many workers.
 */
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { DueRun } from '../../core/due-run.ts';
import type { Fleet } from '../../core/fleet.ts';
import type { ResumeQueue } from '../../core/queue.ts';

/** What is known is asked for anew after this time; sooner when something seems unknown. */
const freshMs = 60_000;
const unsureMs = 5_000;
const complainEveryMs = 60_000;

export interface UnattendedWorkflowsOptions {
  readonly fleet: Pick<Fleet, 'workers'>;
  readonly queue: Pick<ResumeQueue, 'inspect'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class UnattendedWorkflows {
  readonly #options: UnattendedWorkflowsOptions;
  #known: ReadonlySet<string> = new Set();
  #askedAt = -Infinity;
  /** By workflow: when it was said. */
  readonly #saidAt = new Map<string, number>();
  /** By workflow: when its queue was looked at. */
  readonly #inspectedAt = new Map<string, number>();

  constructor(options: UnattendedWorkflowsOptions) {
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
    const seen = new Set<string>();
    for (const { run, workflow } of runs) {
      if (seen.has(workflow)) continue;
      seen.add(workflow);
      if (now - (this.#saidAt.get(workflow) ?? -Infinity) < complainEveryMs) continue;
      const isKnown = this.#known.has(workflow);
      if (isKnown && !(await this.#isPaused(workflow))) continue;
      this.#saidAt.set(workflow, now);
      const message = isKnown
        ? 'the queue of this workflow is paused in BullMQ; its runs wait until it is resumed there'
        : 'no worker knows this workflow; its runs wait for one that does';
      logger.warn({ workflow, run }, message);
    }
  }

  async #isPaused(workflow: string): Promise<boolean> {
    const { queue, clock, logger } = this.#options;
    const now = clock.monotonic();
    if (now - (this.#inspectedAt.get(workflow) ?? -Infinity) < unsureMs) return false;
    this.#inspectedAt.set(workflow, now);
    try {
      return (await queue.inspect?.(workflow))?.paused === true;
    } catch (error) {
      logger.debug({ workflow, error: String(error) }, 'queue not looked at');
      return false;
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
