/**
 * Commands that are sent in one turn of the event loop leave in one write.
 *
 * A write to a socket costs about as much as everything else a client does for a command. When the answers for many runs
 * arrive together, their next commits are sent together too. Nothing waits for a timer: the write happens at the end of
 * the turn. In Redis Cluster each node has a connection of its own, out of reach from here; there nothing changes.
 */
import { Redis } from 'ioredis';
import type { Connection } from './connection.ts';

export class WriteBatch {
  readonly #connection: Connection;
  #held: Redis['stream'] | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Call before sending a command. */
  join(): void {
    if (!(this.#connection instanceof Redis)) return;
    const { stream } = this.#connection;
    // There is no stream before the first connection, and a new one after each.
    if (stream === undefined || stream === this.#held) return;
    this.#held = stream;
    stream.cork();
    process.nextTick(() => {
      if (this.#held === stream) this.#held = undefined;
      stream.uncork();
    });
  }
}
