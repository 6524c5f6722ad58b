/** The run store and the resume queue of a thread: what is called here is done in the thread that has them. */
import { PawlError } from '../core/errors.ts';
import type { Consumer, ConsumeOptions, ResumeQueue, SendOptions, WakeUp } from '../core/queue.ts';
import type { RunStore } from '../core/store.ts';
import { ofRuns, parts } from './contract.ts';
import type { Wire } from './wire.ts';

type Methods = Readonly<Record<string, unknown>>;

function remote(wire: Wire, names: object, prefix: string): Methods {
  return Object.fromEntries(
    Object.keys(names).map((name) => [
      name,
      (...args: readonly unknown[]) => wire.call(`${prefix}${name}`, args),
    ]),
  );
}

/** `close` closes the way to the other thread; the store itself stays open. */
export function remoteStore(wire: Wire): RunStore {
  const objects = Object.entries(parts).map(([name, methods]) => [
    name,
    remote(wire, methods, `${name}.`),
  ]);
  const store = {
    ...Object.fromEntries(objects),
    ...remote(wire, ofRuns, ''),
    close: async () => wire.close(),
  };
  // The table of the contract says that nothing is missing.
  return store;
}

export class RemoteResumeQueue implements ResumeQueue {
  readonly #wire: Wire;
  readonly #consumers = new Set<Consumer>();
  #isClosed = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async send(wakeUp: WakeUp, options: SendOptions = {}): Promise<void> {
    this.#checkOpen();
    await this.#wire.call('queue.send', [wakeUp, options]);
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    this.#checkOpen();
    const consumer = (await this.#wire.call('queue.consume', [options])) as Consumer;
    this.#consumers.add(consumer);
    return consumer;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new PawlError('PAWL_CLOSED', 'The resume queue is closed.');
  }
}
