/** The resume queue in memory: a list for each workflow. */
import { PawlError } from '../core/errors.ts';
import type { Consumer, ConsumeOptions, ResumeQueue, SendOptions, WakeUp } from '../core/queue.ts';

interface Waiting {
  readonly wakeUp: WakeUp;
  readonly key: string;
}

export class MemoryResumeQueue implements ResumeQueue {
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #consumers = new Set<MemoryConsumer>();
  #closed = false;

  async send(wakeUp: WakeUp, options: SendOptions = {}): Promise<void> {
    if (this.#closed) throw closedError();
    const list = this.#list(wakeUp.workflow);
    const key = `${wakeUp.run}:${wakeUp.fence}`;
    if (!list.some((waiting) => waiting.key === key)) {
      if (options.urgent === true) list.unshift({ wakeUp, key });
      else list.push({ wakeUp, key });
    }
    for (const consumer of this.#consumers) consumer.pull();
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    if (this.#closed) throw closedError();
    const consumer = new MemoryConsumer(
      options,
      (workflow) => this.#list(workflow).shift()?.wakeUp,
    );
    this.#consumers.add(consumer);
    consumer.pull();
    return {
      close: async () => {
        this.#consumers.delete(consumer);
        await consumer.close();
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
  }

  #list(workflow: string): Waiting[] {
    const list = this.#waiting.get(workflow) ?? [];
    this.#waiting.set(workflow, list);
    return list;
  }
}

class MemoryConsumer {
  readonly #options: ConsumeOptions;
  readonly #take: (workflow: string) => WakeUp | undefined;
  readonly #working = new Set<Promise<void>>();
  readonly #active = new Map<string, number>();
  #closed = false;

  constructor(options: ConsumeOptions, take: (workflow: string) => WakeUp | undefined) {
    this.#options = options;
    this.#take = take;
  }

  /** Takes as many wake-ups as there are free places. */
  pull(): void {
    for (const workflow of this.#options.workflows) {
      while (!this.#closed && this.#count(workflow) < this.#options.concurrency) {
        const wakeUp = this.#take(workflow);
        if (wakeUp === undefined) break;
        this.#active.set(workflow, this.#count(workflow) + 1);
        const work = this.#handle(wakeUp).finally(() => {
          this.#working.delete(work);
          this.#active.set(workflow, this.#count(workflow) - 1);
          this.pull();
        });
        this.#working.add(work);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#working);
  }

  #count(workflow: string): number {
    return this.#active.get(workflow) ?? 0;
  }

  async #handle(wakeUp: WakeUp): Promise<void> {
    try {
      await this.#options.handle(wakeUp);
    } catch {
      // A handler's failure is its own business; the run is still due.
    }
  }
}

function closedError(): PawlError {
  return new PawlError('PAWL_CLOSED', 'The resume queue is closed.');
}
