/**
 * Redis in this process, as far as pawl uses it: its keys, the shipped scripts, the time, who is subscribed to what. It is
 * there for the simulation, which needs a server whose clock, chance and crashes it owns; in no other test is Redis
 * replaced. It is held to a real server by a test of its own (redis.test.ts beside it): random plays over the whole store
 * contract, made through the shipped scripts on both, must get the same answers and leave the same keys behind.
 */
import { commands } from './commands.ts';
import { LuaScripts } from './lua-scripts.ts';
import { xadd, xdel, xrange, xrevrange, xtrim } from './streams.ts';
import { Keyspace, ReplyError, type SimReply } from './values.ts';

export interface SimulatedRedisOptions {
  /** Microseconds since 1970. */
  readonly micros: () => number;
  /** 0 to 1, for SPOP. */
  readonly random: () => number;
  /** Changes the text of scripts before they are compiled, to plant bugs. */
  readonly rewrite?: (source: string) => string;
}

/** Whoever is subscribed. */
export interface Subscriber {
  hear(channel: string, message: string): void;
}

export class SimulatedRedis {
  readonly #options: SimulatedRedisOptions;
  readonly #scripts: LuaScripts;
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  #starts = 0;
  keys = new Keyspace();

  constructor(options: SimulatedRedisOptions) {
    this.#options = options;
    this.#scripts = new LuaScripts((name, args) => this.perform(name, args), options.rewrite);
  }

  /** The time in milliseconds. */
  get ms(): number {
    return Math.floor(this.#options.micros() / 1000);
  }

  /** Carries out a command; throws what Redis would answer as an error. */
  perform(name: string, args: readonly string[]): SimReply {
    const upper = name.toUpperCase();
    const command = commands[upper];
    if (command !== undefined) return command(this.keys, args, this.#options);
    switch (upper) {
      case 'XADD':
        return xadd(this.keys, args, this.ms);
      case 'XRANGE':
        return xrange(this.keys, args);
      case 'XREVRANGE':
        return xrevrange(this.keys, args);
      case 'XDEL':
        return xdel(this.keys, args);
      case 'XLEN':
        return this.keys.stream(args[0] ?? '')?.entries.length ?? 0;
      case 'XTRIM':
        return xtrim(this.keys, args);
      case 'SPUBLISH':
        return this.#publish(args);
      case 'PUBSUB':
        if (args[0] === 'SHARDCHANNELS') return this.#channels(args[1] ?? '');
        return [args[1] ?? '', this.#subscribers.get(args[1] ?? '')?.size ?? 0];
      case 'INFO':
        return `redis_version:7.4.0\r\nrun_id:${this.#runId()}\r\ncluster_enabled:0\r\n`;
      case 'EVAL':
        return this.#evaluate(args);
      default:
        throw new ReplyError(`ERR unknown command '${name}'`);
    }
  }

  run(source: string, keys: readonly string[], argv: readonly string[]): SimReply {
    return this.#scripts.run(source, keys, argv);
  }

  subscribe(channel: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(channel) ?? new Set();
    this.#subscribers.set(channel, subscribers.add(subscriber));
  }

  unsubscribe(channel: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(channel);
    subscribers?.delete(subscriber);
    if (subscribers?.size === 0) this.#subscribers.delete(channel);
  }

  /** Starts again with what an earlier moment had, as after a crash that lost the last second. */
  rewind(earlier: Keyspace): void {
    this.keys = earlier.copy();
    this.#subscribers.clear();
    this.#starts += 1;
  }

  #evaluate([source = '', count = '0', ...rest]: readonly string[]): SimReply {
    return this.run(source, rest.slice(0, Number(count)), rest.slice(Number(count)));
  }

  /** Those that begin with what stands before the star. */
  #channels(pattern: string): SimReply {
    return [...this.#subscribers.keys()].filter((name) => name.startsWith(pattern.slice(0, -1)));
  }

  #publish([channel = '', message = '']: readonly string[]): SimReply {
    const subscribers = this.#subscribers.get(channel) ?? [];
    for (const subscriber of subscribers) subscriber.hear(channel, message);
    return [...subscribers].length;
  }

  /** Another one after each start, as the server's own. */
  #runId(): string {
    return this.#starts.toString(16).padStart(40, '0');
  }
}
