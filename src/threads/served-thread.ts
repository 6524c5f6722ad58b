/**
 * One thread, as the thread with the store sees it: its calls are done here, and when it ends, its workers count as dead.
 *
 *   connected ──close, of itself──▶ gone
 *       └───────it has ended───────▶ its consumers take no more, its watches stop, its workers have no presence any more
 *
 * From then on a sweeper of another thread does as it does with a dead process: it raises the fence of each run that they
 * held, and sends a wake-up. A call that comes after the end is not done, so a dead worker never claims anything. A wake-up
 * that a dead worker had taken is sent again, because its run stays due.
 */
import type { MessagePort } from 'node:worker_threads';
import { detach } from '../core/detached.ts';
import type { ConsumeOptions, Consumer, ResumeQueue, SendOptions, WakeUp } from '../core/queue.ts';
import type { RunStore } from '../core/store.ts';
import { ofRuns, parts } from './contract.ts';
import { Wire } from './wire.ts';

/** A store that is told which workers are dead. */
export interface MortalStore extends RunStore {
  vanish(worker: string): void;
}

export interface ServedParts {
  readonly store: MortalStore;
  readonly queue: ResumeQueue;
}

type Method = (...args: readonly unknown[]) => unknown;

export class ServedThread {
  readonly #parts: ServedParts;
  readonly #wire: Wire;
  readonly #workers = new Set<string>();
  readonly #consumers = new Set<Consumer>();
  readonly #watches = new Set<() => Promise<void>>();
  #isOver = false;

  constructor(port: MessagePort, served: ServedParts) {
    this.#parts = served;
    this.#wire = new Wire(
      port,
      (method, args) => this.#serve(method, args),
      () => this.over(),
    );
  }

  /** Asks the thread for something by name. */
  ask(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#wire.call(method, args);
  }

  /** The thread has ended, however it did. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Before its calls fail: a consumer that is closed is given nothing more.
    for (const consumer of this.#consumers) detach(consumer.close(), () => undefined);
    for (const stop of this.#watches) detach(stop(), () => undefined);
    this.#wire.close();
    for (const worker of this.#workers) this.#parts.store.vanish(worker);
  }

  async #serve(method: string, args: readonly unknown[]): Promise<unknown> {
    const [part = '', name = ''] = method.split('.');
    if (part === 'queue') return this.#serveQueue(name, args);
    const { store } = this.#parts;
    if (name === '' && Object.hasOwn(ofRuns, part)) return invoke(store, part, args);
    const methods: object = Object.hasOwn(parts, part) ? parts[part as keyof typeof parts] : {};
    if (!Object.hasOwn(methods, name))
      throw new TypeError(`${method} is no method of a run store.`);
    const object = store[part as keyof typeof parts];
    if (method === 'fleet.register') this.#workers.add(String(args[0]));
    const result = await invoke(object, name, args);
    return name === 'watch' ? this.#watched(result as () => Promise<void>) : result;
  }

  async #watched(stop: () => Promise<void>): Promise<() => Promise<void>> {
    if (this.#isOver) await stop();
    else this.#watches.add(stop);
    return async () => {
      this.#watches.delete(stop);
      await stop();
    };
  }

  async #serveQueue(name: string, args: readonly unknown[]): Promise<unknown> {
    const { queue } = this.#parts;
    const [first, second] = args;
    if (name === 'send') return queue.send(first as WakeUp, second as SendOptions);
    const consumer = await queue.consume(first as ConsumeOptions);
    if (this.#isOver) await consumer.close();
    else this.#consumers.add(consumer);
    return {
      close: async () => {
        this.#consumers.delete(consumer);
        await consumer.close();
      },
    };
  }
}

function invoke(object: object, name: string, args: readonly unknown[]): unknown {
  const method = (object as Readonly<Record<string, Method>>)[name];
  return method?.apply(object, args as unknown[]);
}
