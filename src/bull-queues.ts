/** What a person does with the queues of BullMQ: hold them back, see whether they are served, show them to a dashboard. */
import { type BullQueue, BullResumeQueue } from './bullmq/resume-queue.ts';
import type { ResumeQueue } from './core/queue.ts';
import { checkRequest, type Request } from './core/request.ts';
import { nameOf } from './engine/definition/check-workflow.ts';
import type { Queues } from './engine/worker/queues.ts';

/** The resume queues in BullMQ, one for each workflow. `pawl.queues()` tells how they are doing. */
export class BullQueues {
  readonly #queue: ResumeQueue;
  readonly #queues: Queues;

  constructor(queue: ResumeQueue, queues: Queues) {
    this.#queue = queue;
    this.#queues = queues;
  }

  /**
   * Holds the wake-ups of a workflow back until `resume`, as pausing its queue in a dashboard of BullMQ does. No run of it
   * is taken up; those at work go on. No run's log tells of it; the logger does, with the actor and the reason.
   * @throws InvalidError for a bad name, and without BullMQ; UnavailableError.
   */
  async pause(workflow: { readonly name: string }, request: Request = {}): Promise<void> {
    const name = nameOf(workflow);
    checkRequest(request, 'request');
    await this.#queues.pause(name, true, request);
  }

  /** Lets the wake-ups of a workflow go on, also where the queue was paused from outside. @throws as `pause`. */
  async resume(workflow: { readonly name: string }, request: Request = {}): Promise<void> {
    const name = nameOf(workflow);
    checkRequest(request, 'request');
    await this.#queues.pause(name, false, request);
  }

  /**
   * Sends a job without a meaning, and returns how many milliseconds went by until a worker took it. Undefined when none did
   * within `timeoutMs` (default 2 000): the queue is paused, or workers are busy, or cut off.
   * @throws InvalidError for a bad name or time, and without BullMQ; UnavailableError.
   */
  async canary(
    workflow: { readonly name: string },
    options: { readonly timeoutMs?: number } = {},
  ): Promise<number | undefined> {
    return this.#queues.canary(nameOf(workflow), options.timeoutMs);
  }

  /**
   * The queues of the workflows that workers know, for a dashboard of queues such as bull-board. The pawl closes them; do
   * not close them. Empty without BullMQ.
   * @throws UnavailableError when Redis does not answer.
   */
  async all(): Promise<readonly BullQueue[]> {
    const queue = this.#queue;
    if (!(queue instanceof BullResumeQueue)) return [];
    return (await this.#queues.names()).map((name) => queue.bull(name));
  }
}
