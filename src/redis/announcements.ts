/**
 * Sharded pub/sub: hints that a run has changed, and the presence of workers.
 *
 * Hints may be lost (a reconnect, a failover); whoever waits also polls. After a reconnect every listener is called once,
 * because whatever happened in between was not heard.
 */
import type { Connection } from './connection.ts';
import { toFault } from './faults.ts';

export class Announcements {
  readonly #connection: Connection;
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.on('smessage', (channel: string) => this.#notify(channel));
    connection.on('ready', () => {
      for (const channel of this.#listeners.keys()) this.#notify(channel);
    });
  }

  /** Calls `listener` at each message on `channel`, until the returned function is called. */
  async listen(channel: string, listener: () => void): Promise<() => Promise<void>> {
    // A function of its own per call, so that one listener may listen twice.
    const entry = (): void => listener();
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

  #notify(channel: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener();
  }
}
