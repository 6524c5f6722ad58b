/**
 * Sharded pub/sub: hints that a run has changed, and the presence of workers.
 *
 * Hints may be lost (a reconnect, a failover), so a waiting caller also polls. After a reconnect every channel is subscribed
 * to again, as often as it takes. Then every listener is called once, because nobody heard what happened in between. In
 * Redis Cluster the client subscribes again by itself.
 */
import { detach } from '../core/detached.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Connection } from './connection.ts';
import { toFault } from './faults.ts';
import { Subscriptions } from './subscriptions.ts';

/** Called with each message; without one after a reconnect. */
type Listener = (message: Buffer | undefined) => void;

interface Channel {
  readonly listeners: Set<Listener>;
  /** Resolves when the subscription is live. */
  readonly live: Promise<void>;
}

const retryMs = 100;

export class Announcements {
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #channels = new Map<string, Channel>();
  /** Subscribed to without listening. */
  readonly #present = new Set<string>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#subscriptions = new Subscriptions(connection);
    connection.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
      this.#notify(channel.toString(), message);
    });
    connection.on('ready', () => {
      // Fails only by a listener that throws, and that has been called.
      for (const channel of this.#wanted()) detach(this.#comeBack(channel), () => undefined);
    });
  }

  /**
   * Calls `listener` at each message on `channel`, until the returned function is called. Resolves when the subscription is
   * live, so that nothing said from then on is missed.
   */
  async listen(channel: string, listener: Listener): Promise<() => Promise<void>> {
    const known = this.#channels.get(channel);
    const entry = known ?? { listeners: new Set(), live: this.#subscribe(channel) };
    this.#channels.set(channel, entry);
    // A function of its own per call, so that one listener may listen twice.
    const own: Listener = (message) => listener(message);
    entry.listeners.add(own);
    const stop = async (): Promise<void> => {
      entry.listeners.delete(own);
      if (entry.listeners.size > 0 || this.#channels.get(channel) !== entry) return;
      this.#channels.delete(channel);
      await this.#subscriptions.end(channel).catch(() => {
        // The connection is gone, and the subscription with it.
      });
    };
    try {
      await entry.live;
    } catch (error) {
      await stop();
      throw error;
    }
    return stop;
  }

  /** Subscribes without listening: a presence channel, on which nobody ever speaks. */
  async subscribe(channel: string): Promise<void> {
    this.#present.add(channel);
    await this.#subscribe(channel);
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#present.delete(channel);
    try {
      await this.#subscriptions.end(channel);
    } catch (error) {
      throw toFault(error, 'unsubscribe');
    }
  }

  async #subscribe(channel: string): Promise<void> {
    try {
      await this.#subscriptions.begin(channel);
    } catch (error) {
      throw toFault(error, 'subscribe');
    }
  }

  #wanted(): ReadonlySet<string> {
    return new Set([...this.#present, ...this.#channels.keys()]);
  }

  /** After a reconnect. */
  async #comeBack(channel: string): Promise<void> {
    const connection = this.#connection;
    if (connection instanceof Redis && !(await this.#subscribeAgain(connection, channel))) return;
    this.#notify(channel, undefined);
  }

  /** False when the connection is gone: the next one begins anew. */
  async #subscribeAgain(connection: Redis, channel: string): Promise<boolean> {
    while (connection.status === 'ready') {
      if (!this.#wanted().has(channel)) return true;
      try {
        await connection.ssubscribe(channel);
        return true;
      } catch {
        await sleep(retryMs, undefined, { ref: false });
      }
    }
    return false;
  }

  #notify(channel: string, message: Buffer | undefined): void {
    for (const listener of this.#channels.get(channel)?.listeners ?? []) listener(message);
  }
}
