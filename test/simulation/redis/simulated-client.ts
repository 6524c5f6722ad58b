/**
 * An ioredis client whose commands go to the Redis in this process, so that the shipped `RedisRunStore` runs over it as it
 * is. Every request takes a `Line`, which decides when it arrives and whether its answer comes back.
 */
import { type Command, Redis } from 'ioredis';
import { ScriptCommand } from '../../../src/redis/script-command.ts';
import type { SimulatedRedis, Subscriber } from './simulated-redis.ts';
import type { SimReply } from './values.ts';

export interface Request {
  /** Of the command, or of the script. */
  readonly name: string;
  /** Keys and arguments, one character per byte. */
  readonly args: readonly string[];
  /** Of a script: the arguments behind its keys. */
  readonly argv?: readonly string[];
  /** Carries it out, now. */
  readonly perform: () => SimReply;
}

/** The way between a client and the server. */
export interface Line {
  send(request: Request): Promise<SimReply>;
  /** Lets what the server says by itself come through; it may be lost. */
  hear(event: () => void): void;
  /** Tells the line of a client that uses it. */
  attach?(client: SimulatedClient): void;
}

/** A line without delay or fault. */
const directLine: Line = {
  send: async (request) => request.perform(),
  hear: (event) => queueMicrotask(event),
};

export class SimulatedClient extends Redis implements Subscriber {
  readonly #server: SimulatedRedis;
  readonly #line: Line;
  readonly #channels = new Set<string>();

  constructor(server: SimulatedRedis, line: Line = directLine) {
    super({ lazyConnect: true });
    this.#server = server;
    this.#line = line;
    this.status = 'ready';
    line.attach?.(this);
  }

  override duplicate(): Redis {
    return new SimulatedClient(this.#server, this.#line);
  }

  override async connect(): Promise<void> {
    // It always is.
  }

  override disconnect(): void {
    this.lostConnection();
    this.#channels.clear();
  }

  /** The server forgets a client's subscriptions with its connection. */
  lostConnection(): void {
    for (const channel of this.#channels) this.#server.unsubscribe(channel, this);
  }

  /** As after a reconnect: ioredis subscribes again by itself. */
  reconnected(): void {
    for (const channel of this.#channels) this.#server.subscribe(channel, this);
    this.emit('ready');
  }

  hear(channel: string, message: string): void {
    this.#line.hear(() =>
      this.emit('smessageBuffer', Buffer.from(channel), Buffer.from(message, 'latin1')),
    );
  }

  override sendCommand(command: Command): unknown {
    const args = (command.args as (string | number | Buffer)[]).map(toText);
    if (command instanceof ScriptCommand) {
      const { script, keyCount } = command;
      const [keys, argv] = [args.slice(0, keyCount), args.slice(keyCount)];
      const run = (): SimReply => this.#server.run(script.source, keys, argv);
      return this.#answer(command, { name: script.name, args, argv, perform: run });
    }
    const { name } = command;
    // Asked by real time, so it must not be part of the history.
    if (name === 'info' && args[0] === 'memory') {
      command.resolve(Buffer.alloc(0));
      return command.promise;
    }
    return this.#answer(command, { name, args, perform: () => this.#perform(name, args) });
  }

  #answer(command: Command, request: Request): Promise<unknown> {
    this.#line.send(request).then(
      (reply) => command.resolve(toBuffers(reply) as Buffer),
      (error: Error) => command.reject(error),
    );
    return command.promise;
  }

  #perform(name: string, args: readonly string[]): SimReply {
    const [channel = ''] = args;
    switch (name) {
      case 'ssubscribe':
        this.#channels.add(channel);
        this.#server.subscribe(channel, this);
        return 1;
      case 'sunsubscribe':
        this.#channels.delete(channel);
        this.#server.unsubscribe(channel, this);
        return 1;
      default:
        return this.#server.perform(name, args);
    }
  }
}

function toText(value: string | number | Buffer): string {
  if (typeof value === 'number') return String(value);
  // Text of a caller is UTF-8 on the wire; ASCII, which most of it is, is the same either way.
  if (typeof value === 'string' && isAscii(value)) return value;
  return Buffer.from(value as string).toString('latin1');
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

function toBuffers(reply: SimReply): unknown {
  if (typeof reply === 'string') return Buffer.from(reply, 'latin1');
  return typeof reply === 'object' && reply !== null ? reply.map(toBuffers) : reply;
}
