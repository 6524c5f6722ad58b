/**
 * Sharded pub/sub: hints that a run has changed, and the presence of workers.
 *
 * Hints may be lost (a reconnect, a failover); whoever waits also polls. After a reconnect every listener is called once,
 * because whatever happened in between was not heard.
 */
import type { Connection } from './connection.ts';
import { toFault } from './faults.ts';

/** Called with each message; without one after a reconnect. */
type Listener = (message: string | undefined) => void;

export class Announcements {
  readonly #connection: Connection;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.on('smessage', (channel: string, message: string) => {
      this.#notify(channel, message);
    });
    connection.on('ready', () => {
      for (const channel of this.#listeners.keys()) this.#notify(channel, undefined);
    });
  }

  /** Calls `listener` at each message on `channel`, until the returned function is called. */
  async listen(channel: string, listener: Listener): Promise<() => Promise<void>> {
    // A function of its own per call, so that one listener may listen twice.
    const entry: Listener = (message) => listener(message);
    const listeners = this.#listeners.get(channel);
    if (listeners === undefined) {
      this.#listeners.set(channel, new Set([entry]));
      await this.subscribe(channel);
    } else {
      listeners.add(entry);
    }
    return async () => {
      const current = this.#listeners.get(channel);
      current?.delete(entry);
      if (current?.size === 0) {
        this.#listeners.delete(channel);
        await this.#connection.sunsubscribe(channel).catch(() => {
          // The connection is gone, and the subscription with it.
        });
      }
    };
  }

  /** Subscribes without listening: a presence channel, on which nobody ever speaks. */
  async subscribe(channel: string): Promise<void> {
    try {
      await this.#connection.ssubscribe(channel);
    } catch (error) {
      throw toFault(error, 'subscribe');
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    try {
      await this.#connection.sunsubscribe(channel);
    } catch (error) {
      throw toFault(error, 'unsubscribe');
    }
  }

  #notify(channel: string, message: string | undefined): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(message);
  }
}
