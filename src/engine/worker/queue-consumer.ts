/**
 * The worker's consumer of the resume queue: opened when the worker starts, opened anew when nothing reaches it any more.
 *
 *   open ──connected──▶ takes wake-ups ──reopen──▶ takes them over new connections; what is at work goes on to its end
 *     │ ▲
 *     └─┘ Redis may be gone in the moment in which the queue connects, and come back
 */
import { detach } from '../../core/detached.ts';
import { PawlError } from '../../core/errors.ts';
import type { Consumer, Delivery, Report, WakeUp } from '../../core/queue.ts';
import { encodeRecord } from '../payloads.ts';
import type { ServicesWith } from './services.ts';
import type { WorkflowSet } from './workflow-set.ts';

const openAgainMs = 100;
const openAgainMsMax = 5_000;

type Services = ServicesWith<'store' | 'queue' | 'worker' | 'clock' | 'logger', 'concurrency'>;

/** The worker that takes the wake-ups. */
export interface WakeUpTaker {
  readonly handle: (wakeUp: WakeUp, report: Report, isShort?: boolean) => Promise<Delivery>;
  readonly isClosing: () => boolean;
}

export class QueueConsumer {
  readonly #services: Services;
  readonly #workflows: WorkflowSet;
  readonly #taker: WakeUpTaker;
  #consumer: Consumer | undefined;

  constructor(services: Services, workflows: WorkflowSet, taker: WakeUpTaker) {
    this.#services = services;
    this.#workflows = workflows;
    this.#taker = taker;
  }

  /** Undefined before it is open. */
  get current(): Consumer | undefined {
    return this.#consumer;
  }

  /** Tries until it can; rejects when trying again cannot help, or the worker is closing. */
  async open(): Promise<void> {
    const { clock, logger, worker } = this.#services;
    for (let delayMs = openAgainMs; ; delayMs = Math.min(delayMs * 2, openAgainMsMax)) {
      try {
        this.#consumer = await this.#consume();
        return;
      } catch (error) {
        const mayCome = PawlError.is(error) && error.retryable && !this.#taker.isClosing();
        if (!mayCome) throw error;
        logger.warn({ worker, error: String(error) }, 'no consumer yet, trying again');
        await clock.sleep(delayMs);
      }
    }
  }

  /** Takes wake-ups over new connections; what the old consumer has at work goes on to its end. */
  async reopen(): Promise<void> {
    const old = this.#consumer;
    this.#consumer = await this.#consume();
    const { logger, worker } = this.#services;
    const left = (error: unknown): void => {
      logger.warn({ worker, error: String(error) }, 'a consumer was left as it is');
    };
    if (this.#taker.isClosing()) detach(this.#consumer.close(), left);
    if (old !== undefined) detach(old.close(), left);
  }

  /** Takes nothing any more; resolves when what it has delivered is done. */
  async close(): Promise<void> {
    await this.#consumer?.close();
  }

  #consume(): Promise<Consumer> {
    const { queue, settings } = this.#services;
    return queue.consume({
      workflows: this.#workflows.names,
      concurrency: settings.concurrency,
      paces: this.#workflows.paces,
      handle: this.#taker.handle,
      retry: (wakeUp) => this.#retry(wakeUp),
    });
  }

  /** A failed job was tried again in a dashboard: so is the run, from where it failed. */
  async #retry(wakeUp: WakeUp): Promise<WakeUp> {
    const { store } = this.#services;
    const record = await store.record(wakeUp.run);
    // A paused run has not failed: only those who paused it let it go on.
    if (record?.status !== 'failed' && record?.status !== 'quarantined') return wakeUp;
    const outcome = await store.resume(wakeUp.run, encodeRecord({ actor: 'queue dashboard' }));
    return outcome.outcome === 'resumed' ? outcome.wakeUp : wakeUp;
  }
}
