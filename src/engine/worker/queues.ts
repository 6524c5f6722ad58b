/** The queues of the workflows that workers know, as a person looks at them and holds them back. */
import type { Clock } from '../../core/clock.ts';
import { InvalidError } from '../../core/errors.ts';
import type { Fleet } from '../../core/fleet.ts';
import type { Logger } from '../../core/logger.ts';
import type { QueueInfo, ResumeQueue } from '../../core/queue.ts';
import type { Request } from '../../core/request.ts';

/** For what is asked for often, such as the health of many processes. */
const namesFreshMs = 30_000;
const timeoutDefault = 2_000;
const timeoutMax = 60_000;

export interface QueuesOptions {
  readonly fleet: Pick<Fleet, 'workers'>;
  readonly queue: ResumeQueue;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
}

export class Queues {
  readonly #options: QueuesOptions;
  #names: Promise<readonly string[]> | undefined;
  #namedAt = 0;

  constructor(options: QueuesOptions) {
    this.#options = options;
  }

  /** In the order of the names. */
  async list(): Promise<readonly QueueInfo[]> {
    const { fleet, queue } = this.#options;
    const counts = new Map<string, number>();
    for (const { workflows } of await fleet.workers()) {
      for (const name of Object.keys(workflows)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const asked = [...counts]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(async ([name, workers]) => {
        const depth = await queue.inspect?.(name);
        return depth === undefined ? undefined : { ...depth, workers };
      });
    return (await Promise.all(asked)).filter((info) => info !== undefined);
  }

  /** Names of workflows. Asks who is there only now and then. */
  async names(): Promise<readonly string[]> {
    const { fleet, clock } = this.#options;
    const now = clock.monotonic();
    if (this.#names === undefined || now - this.#namedAt > namesFreshMs) {
      this.#namedAt = now;
      this.#names = fleet
        .workers()
        .then((workers) =>
          [...new Set(workers.flatMap(({ workflows }) => Object.keys(workflows)))].toSorted(),
        );
      this.#names.catch(() => {
        this.#names = undefined;
      });
    }
    return this.#names;
  }

  /** Those whose queue a person has paused. */
  async paused(): Promise<readonly string[]> {
    const { queue } = this.#options;
    const names = await this.names();
    const asked = await Promise.all(names.map(async (name) => queue.isPaused?.(name)));
    return names.filter((_, i) => asked[i] === true);
  }

  async pause(workflow: string, paused: boolean, request: Request): Promise<void> {
    const { queue, logger } = this.#options;
    if (queue.pause === undefined) throw noQueue();
    await queue.pause(workflow, paused);
    logger.info({ workflow, ...request }, paused ? 'queue paused' : 'queue resumed');
  }

  async canary(workflow: string, timeoutMs = timeoutDefault): Promise<number | undefined> {
    if (!(timeoutMs > 0 && timeoutMs <= timeoutMax)) {
      throw new InvalidError('timeoutMs', `must be above 0, and ${timeoutMax} at most.`);
    }
    const { queue } = this.#options;
    if (queue.canary === undefined) throw noQueue();
    return queue.canary(workflow, timeoutMs);
  }
}

function noQueue(): InvalidError {
  return new InvalidError('workflow', 'has no queue in BullMQ; nothing was done.');
}
