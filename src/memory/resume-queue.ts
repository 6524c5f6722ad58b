import { setMaxListeners } from 'node:events';
import { detach } from '../core/detached.ts';
import type { Clock } from '../core/clock.ts';
import { timerMsMax } from '../core/duration.ts';
import { PawlError } from '../core/errors.ts';
import type {
  Consumer,
  ConsumeOptions,
  Pace,
  ResumeQueue,
  SendOptions,
  WakeUp,
} from '../core/queue.ts';

type Begun = Parameters<NonNullable<Consumer['begin']>>[1];

/** A wake-up that nobody has taken yet. */
interface Waiting {
  readonly wakeUp: WakeUp;
  /** Delivered even while the same one is being handled. */
  again: boolean;
}

/**
 * The resume queue in memory: by priority within a workflow, and first come, first served within a priority.
 *
 * A wake-up that is the same as one being handled waits until that is done, so that it is never lost and never handled
 * twice at a time; unless it was sent `again`, because whoever took the first may be dead.
 */
export class MemoryResumeQueue implements ResumeQueue {
  readonly #waiting = new Map<string, Waiting[]>();
  /** How many handlers are at work on the same wake-up. */
  readonly #atWork = new Map<string, number>();
  readonly #consumers = new Set<MemoryConsumer>();
  readonly #clock: Pick<Clock, 'sleep'>;
  /** What was delivered of a workflow with a rate, since its stretch of time began. */
  readonly #stretches = new Map<string, { count: number }>();
  readonly #closing = new AbortController();
  #closed = false;

  constructor(options: { readonly clock?: Pick<Clock, 'sleep'> } = {}) {
    this.#clock = options.clock ?? realTime;
    // One listener for each workflow with a rate.
    setMaxListeners(0, this.#closing.signal);
  }

  async send(wakeUp: WakeUp, options: SendOptions = {}): Promise<void> {
    this.#checkOpen();
    const waiting = this.#waiting.get(wakeUp.workflow) ?? [];
    this.#waiting.set(wakeUp.workflow, waiting);
    const again = options.again ?? false;
    const same = waiting.find((other) => keyOf(other.wakeUp) === keyOf(wakeUp));
    if (same !== undefined) {
      same.again ||= again;
    } else {
      const entry = { wakeUp: { ...wakeUp }, again };
      waiting.splice(placeOf(waiting, wakeUp, options.urgent ?? false), 0, entry);
    }
    this.#deliver();
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    this.#checkOpen();
    const consumer: MemoryConsumer = new MemoryConsumer(
      options,
      () => this.#consumers.delete(consumer),
      (wakeUp, handle) => this.#begin(consumer, wakeUp, handle),
    );
    this.#consumers.add(consumer);
    this.#deliver();
    return consumer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#closing.abort();
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
  }

  /** Nobody waits behind it, so nobody is overtaken. */
  #begin(consumer: MemoryConsumer, wakeUp: WakeUp, handle: Begun): boolean {
    const { workflow } = wakeUp;
    const isFree =
      !this.#closed &&
      this.#consumers.has(consumer) &&
      consumer.workflowsWithRoom().includes(workflow) &&
      consumer.rateOf(workflow) === undefined &&
      !this.#waiting.has(workflow) &&
      !this.#isAtWork(wakeUp);
    if (isFree) this.#hand(wakeUp, consumer, () => handle(Promise.resolve(true)));
    return isFree;
  }

  /** Gives consumers what they have room for, one wake-up each in turn. */
  #deliver(): void {
    let delivered = true;
    while (delivered) {
      delivered = false;
      for (const consumer of this.#consumers) {
        for (const workflow of consumer.workflowsWithRoom()) {
          const rate = consumer.rateOf(workflow);
          const next = this.#isAtRate(workflow, rate) ? undefined : this.#take(workflow);
          if (next === undefined) continue;
          if (rate !== undefined) this.#count(workflow, rate);
          this.#hand(next, consumer);
          delivered = true;
        }
      }
    }
  }

  #isAtRate(workflow: string, rate: Pace['rate']): boolean {
    const stretch = this.#stretches.get(workflow);
    return rate !== undefined && stretch !== undefined && stretch.count >= rate.max;
  }

  #count(workflow: string, { perMs }: NonNullable<Pace['rate']>): void {
    const known = this.#stretches.get(workflow);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    this.#stretches.set(workflow, { count: 1 });
    detach(this.#endStretch(workflow, perMs), () => undefined);
  }

  async #endStretch(workflow: string, perMs: number): Promise<void> {
    await this.#clock.sleep(perMs, this.#closing.signal);
    this.#stretches.delete(workflow);
    if (!this.#closed) this.#deliver();
  }

  #take(workflow: string): WakeUp | undefined {
    const waiting = this.#waiting.get(workflow) ?? [];
    const place = waiting.findIndex(({ wakeUp, again }) => again || !this.#isAtWork(wakeUp));
    const [next] = place === -1 ? [] : waiting.splice(place, 1);
    if (waiting.length === 0) this.#waiting.delete(workflow);
    return next?.wakeUp;
  }

  #hand(wakeUp: WakeUp, consumer: MemoryConsumer, begin?: () => Promise<unknown>): void {
    const key = keyOf(wakeUp);
    this.#atWork.set(key, (this.#atWork.get(key) ?? 0) + 1);
    const done = (): void => {
      const left = (this.#atWork.get(key) ?? 1) - 1;
      if (left === 0) this.#atWork.delete(key);
      else this.#atWork.set(key, left);
      this.#deliver();
    };
    consumer.handle(wakeUp, done, begin);
  }

  #isAtWork(wakeUp: WakeUp): boolean {
    return this.#atWork.has(keyOf(wakeUp));
  }

  #checkOpen(): void {
    if (this.#closed) throw new PawlError('PAWL_CLOSED', 'The resume queue is closed.');
  }
}

class MemoryConsumer implements Consumer {
  readonly #options: ConsumeOptions;
  readonly #onClose: () => void;
  readonly begin: NonNullable<Consumer['begin']>;
  /** Handlers at work, by workflow. */
  readonly #atWork = new Map<string, Set<Promise<void>>>();

  constructor(options: ConsumeOptions, onClose: () => void, begin: NonNullable<Consumer['begin']>) {
    this.begin = begin;
    this.#options = options;
    this.#onClose = onClose;
    for (const workflow of options.workflows) this.#atWork.set(workflow, new Set());
  }

  workflowsWithRoom(): readonly string[] {
    const { workflows, concurrency } = this.#options;
    return workflows.filter((workflow) => {
      const most = this.#options.paces?.[workflow]?.concurrency ?? concurrency;
      return (this.#atWork.get(workflow)?.size ?? 0) < most;
    });
  }

  rateOf(workflow: string): Pace['rate'] {
    return this.#options.paces?.[workflow]?.rate;
  }

  /** Runs the handler; `done` is called when it has ended, however it did. */
  handle(wakeUp: WakeUp, done: () => void, begin?: () => Promise<unknown>): void {
    const atWork = this.#atWork.get(wakeUp.workflow);
    const work: Promise<void> = this.#handle(wakeUp, begin).finally(() => {
      atWork?.delete(work);
      done();
    });
    atWork?.add(work);
  }

  async #handle(wakeUp: WakeUp, begin?: () => Promise<unknown>): Promise<void> {
    // A handler never runs inside of the call that sent its wake-up. What makes a run goes to the store first.
    if (begin === undefined) await Promise.resolve();
    try {
      if (begin !== undefined) {
        await begin();
        return;
      }
      await this.#options.handle(wakeUp, () => {
        // There is no dashboard of a queue in memory.
      });
    } catch {
      // A handler that throws has failed alone; the wake-up was delivered.
    }
  }

  async close(): Promise<void> {
    this.#onClose();
    await Promise.all([...this.#atWork.values()].flatMap((works) => [...works]));
  }
}

function keyOf(wakeUp: WakeUp): string {
  return `${wakeUp.run}:${wakeUp.fence}`;
}

/** Behind those of its own priority; an urgent one in front of them. */
function placeOf(waiting: readonly Waiting[], { priority = 0 }: WakeUp, isUrgent: boolean): number {
  const place = waiting.findIndex(({ wakeUp: { priority: other = 0 } }) =>
    // As BullMQ does: among those with a priority there is no front.
    isUrgent && priority === 0 ? other >= priority : other > priority,
  );
  return place === -1 ? waiting.length : place;
}

const realTime: Pick<Clock, 'sleep'> = {
  async sleep(ms, signal) {
    for (let left = ms; left > 0; left -= timerMsMax) {
      await sleepOnce(Math.min(left, timerMsMax), signal);
      if (signal?.aborted === true) return;
    }
  },
};

function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish);
  });
}
