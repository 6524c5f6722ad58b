/**
 * One call of a script, written to the wire in one piece.
 *
 * Every write of pawl is such a call, so what a client spends on it bounds everything. ioredis builds a command from its
 * arguments one by one and gives each a timer of its own; this one is encoded into a single buffer. The time that calls may
 * take is watched with one timer for all of a connection (deadlines.ts); ioredis still has one of its own for the silence of
 * a socket. What ioredis does well stays with ioredis: queueing, order, reconnection, sending again, redirections in a
 * Cluster. A call that is sent again is encoded again, for the socket it goes to.
 *
 * The first call on a socket carries the source of the script and later ones its hash. A server that has forgotten the
 * script says so before anything has happened; then the call goes out again with the source.
 */
import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import { Command } from 'ioredis';
import type { Argument, Reply } from './arguments.ts';
import type { Connection } from './connection.ts';
import type { Deadline, Deadlines } from './deadlines.ts';
import { toFault } from './faults.ts';
import { allocate } from './slab.ts';

/** A script, and the connections whose server knows it. */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
  readonly knownOn: WeakSet<object>;
}

export function toScript(name: string, source: string): Script {
  const sha = createHash('sha1').update(source).digest('hex');
  return { name, source, sha, knownOn: new WeakSet() };
}

/** What sends a command. The answer comes through the command's own promise, which its caller holds. */
interface Sender {
  sendCommand(command: Command): unknown;
}

export function sendThrough(connection: Sender, command: Command): void {
  connection.sendCommand(command);
}

export class ScriptCommand extends Command {
  /** Another text may be put here before the call is sent: tests do, to give it another clock. */
  script: Script;
  /** How many of the arguments are keys. */
  readonly keyCount: number;
  readonly #deadlines: Deadlines;
  #deadline: Deadline | undefined;
  #socket: object | undefined;

  constructor(
    script: Script,
    { keyCount, args }: { readonly keyCount: number; readonly args: Argument[] },
    { connection, deadlines }: { readonly connection: Connection; readonly deadlines: Deadlines },
  ) {
    super('evalsha');
    this.script = script;
    this.keyCount = keyCount;
    this.args = args;
    this.#deadlines = deadlines;
    const { reject } = this;
    this.reject = (error) => {
      if (error.message.startsWith('NOSCRIPT')) {
        if (this.#socket !== undefined) this.script.knownOn.delete(this.#socket);
        sendThrough(connection, this);
      } else {
        this.#meetDeadline();
        reject(toFault(error, this.script.name));
      }
    };
  }

  /** Its answer, of which texts are buffers; what goes wrong is a fault. */
  get reply(): Promise<Reply> {
    return this.promise as Promise<Reply>;
  }

  override getKeys(): (string | Buffer)[] {
    return this.args.slice(0, this.keyCount) as (string | Buffer)[];
  }

  override toWritable(socket: object): Buffer {
    this.#socket = socket;
    const { knownOn, sha, source } = this.script;
    const isKnown = knownOn.has(socket);
    if (!isKnown) knownOn.add(socket);
    const start: [string, string] = isKnown ? ['evalsha', sha] : ['eval', source];
    const { parts, large } = encodeCall(start, this.keyCount, this.args);
    if (!large) return joined(parts);
    // What is large goes to the socket as it is: copying it would cost as much as sending it.
    const stream = socket as Writable;
    stream.cork();
    process.nextTick(() => stream.uncork());
    for (const part of parts.slice(0, -1)) stream.write(part);
    return joined(parts.slice(-1));
  }

  /** Counted from the first time that it is sent. */
  override setTimeout(ms: number): void {
    this.#deadline ??= this.#deadlines.add(this, ms);
  }

  /** Called with each answer. */
  override transformReply<T>(reply: T): T {
    this.#meetDeadline();
    return reply;
  }

  #meetDeadline(): void {
    if (this.#deadline !== undefined) this.#deadlines.meet(this.#deadline);
  }
}

/** From so many bytes on, an argument is not copied into the buffer of its call. */
const largeBytes = 16_384;

/** A command as RESP has it; texts gather, so that few parts are to be copied. */
function encodeCall(
  [name, script]: readonly [string, string],
  keyCount: number,
  args: readonly unknown[],
): { readonly parts: readonly (string | Buffer)[]; readonly large: boolean } {
  const parts: (string | Buffer)[] = [];
  const keys = String(keyCount);
  let text =
    `*${args.length + 3}\r\n$${name.length}\r\n${name}\r\n` +
    `$${Buffer.byteLength(script)}\r\n${script}\r\n$${keys.length}\r\n${keys}\r\n`;
  let large = false;
  for (const argument of args) {
    if (Buffer.isBuffer(argument)) {
      text += `$${argument.length}\r\n`;
      parts.push(text, argument);
      text = '\r\n';
      if (argument.length >= largeBytes) large = true;
    } else {
      const value = String(argument);
      text += `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
    }
  }
  parts.push(text);
  return { parts, large };
}

function joined(parts: readonly (string | Buffer)[]): Buffer {
  let size = 0;
  for (const part of parts) size += Buffer.byteLength(part);
  const encoded = allocate(size);
  let place = 0;
  for (const part of parts) {
    place += typeof part === 'string' ? encoded.write(part, place) : part.copy(encoded, place);
  }
  return encoded;
}
