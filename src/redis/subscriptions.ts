/**
 * Subscribes to channels, and ends that again: what is asked for in one turn of the event loop travels in few commands.
 *
 * Who waits for the results of many runs begins all of it in one turn, and a command costs a client as much for one channel
 * as for many. The order is kept, so a channel that is left and wanted again in one turn is subscribed to in the end. A
 * command names channels of one slot only, as Redis Cluster wants it: those with the same hash tag.
 */
import type { Connection } from './connection.ts';

type Verb = 'ssubscribe' | 'sunsubscribe';

interface Wanted {
  readonly verb: Verb;
  readonly channel: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Subscriptions {
  readonly #connection: Connection;
  #wanted: Wanted[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Resolves when the subscription is live. */
  begin(channel: string): Promise<void> {
    return this.#add('ssubscribe', channel);
  }

  /** Resolves when the subscription is over. */
  end(channel: string): Promise<void> {
    return this.#add('sunsubscribe', channel);
  }

  #add(verb: Verb, channel: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#wanted.push({ verb, channel, resolve, reject }) === 1) {
        process.nextTick(() => this.#flush());
      }
    });
  }

  #flush(): void {
    const wanted = this.#wanted;
    this.#wanted = [];
    let together: Wanted[] = [];
    for (const next of wanted) {
      const [first] = together;
      const isOther =
        first !== undefined &&
        (next.verb !== first.verb || tagOf(next.channel) !== tagOf(first.channel));
      if (isOther) {
        this.#send(together);
        together = [];
      }
      together.push(next);
    }
    this.#send(together);
  }

  #send(together: readonly Wanted[]): void {
    const [first] = together;
    if (first === undefined) return;
    const channels = together.map(({ channel }) => channel);
    this.#connection[first.verb](...channels).then(
      () => together.forEach(({ resolve }) => resolve()),
      (error: unknown) => together.forEach(({ reject }) => reject(error)),
    );
  }
}

/** All channels of pawl begin with one: see `keys.ts`. */
function tagOf(channel: string): string {
  return channel.slice(0, channel.indexOf('}'));
}
