/**
 * Group commit across runs: appends that are sent in one turn of the event loop travel in one call of one script.
 *
 * A call costs client and server about as much as the append inside it, and when the answers for many runs arrive together,
 * their next appends are sent together too. Nothing waits for a timer: the call leaves when it is full, while the turn goes
 * on with the others, or at the end of the turn, so a lone append is not delayed. The runs of a call share nothing but the
 * way: each has its own fence, token and seq checked, and its own outcome. A call never leaves a shard, so it works in
 * Redis Cluster too.
 *
 * Crash before the call: none of its appends happened. Crash after: all that were not refused did.
 */
import { fixedLimits } from '../core/limits.ts';
import type { CommitParams } from '../core/store.ts';
import { type Argument, type Reply, toBuffer } from './arguments.ts';
import type { ShardKeys } from './keys.ts';
import { Packer } from './packer.ts';

/** So that client and server work at the same time: while Redis is at work on one call, the next is made. */
const runsPerCall = 16;

interface Send {
  /** Calls the script for one run. */
  readonly one: (args: Argument[], keyCount: number) => Promise<Reply>;
  /** Calls the script for many. */
  readonly many: (args: Argument[], keyCount: number) => Promise<readonly unknown[]>;
}

interface Waiting {
  readonly params: CommitParams;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** What has gathered for one call; bounds how long Redis is busy with it. */
interface Group {
  readonly waiting: Waiting[];
  events: number;
  bytes: number;
}

export class AppendGroups {
  readonly #send: Send;
  readonly #open = new Map<ShardKeys, Group>();
  #flushes = false;

  constructor(send: Send) {
    this.#send = send;
  }

  append(shard: ShardKeys, params: CommitParams): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const events = params.events.length;
      let bytes = 0;
      for (const { data } of params.events) bytes += data.length;
      const group = this.#groupFor(shard, events, bytes);
      group.waiting.push({ params, resolve, reject });
      group.events += events;
      group.bytes += bytes;
      // Full, it leaves while the rest of the turn still makes the next one.
      if (group.waiting.length === runsPerCall) this.#close(shard, group);
    });
  }

  /** The group that has room, or a new one. */
  #groupFor(shard: ShardKeys, events: number, bytes: number): Group {
    const open = this.#open.get(shard);
    if (open !== undefined) {
      const fits =
        open.events + events <= fixedLimits.eventsPerCommit &&
        open.bytes + bytes <= fixedLimits.bytesPerCommit;
      if (fits) return open;
      this.#close(shard, open);
    }
    const group: Group = { waiting: [], events: 0, bytes: 0 };
    this.#open.set(shard, group);
    if (!this.#flushes) {
      this.#flushes = true;
      process.nextTick(() => this.#flush());
    }
    return group;
  }

  #flush(): void {
    this.#flushes = false;
    for (const [shard, group] of this.#open) this.#close(shard, group);
  }

  #close(shard: ShardKeys, group: Group): void {
    this.#open.delete(shard);
    const { waiting } = group;
    const fail = (error: unknown): void => {
      for (const { reject } of waiting) reject(error);
    };
    try {
      this.#call(shard, waiting, fail);
    } catch (error) {
      fail(error);
    }
  }

  #call(shard: ShardKeys, group: readonly Waiting[], fail: (error: unknown) => void): void {
    const [lone] = group;
    if (group.length === 1 && lone !== undefined) {
      const { params, resolve } = lone;
      const replied = this.#send.one(appendArguments(shard, params), 2);
      replied.then((reply) => resolve(toAppended(params, reply)), fail);
      return;
    }
    const replied = this.#send.many(toArguments(shard, group), group.length * 2);
    replied.then((replies) => settle(group, replies), fail);
  }
}

function settle(group: readonly Waiting[], replies: readonly unknown[]): void {
  for (const [i, { params, resolve, reject }] of group.entries()) {
    const reply = replies[i];
    if (Array.isArray(reply) && String(reply[0]) === 'error') {
      reject(errorReply(String(reply[1])));
    } else {
      resolve(toAppended(params, reply));
    }
  }
}

/** The arguments of the append script: plain pushes, because spreading small arrays costs more than the rest of it. */
export function appendArguments(shard: ShardKeys, params: CommitParams): Argument[] {
  const { run, fence, owner, token, expectedSeq, events } = params;
  const args: Argument[] = [shard.run(run), shard.events(run), fence, owner, token, expectedSeq];
  args.push(shard.changed(run));
  for (const event of events) args.push(event.type, toBuffer(event.data), event.lane ?? '');
  return args;
}

/** The answer of the append scripts as that of a commit: they say no more than the version when all went well. */
export function toAppended({ expectedSeq, events }: CommitParams, reply: unknown): Reply {
  return Array.isArray(reply) ? reply : ['committed', expectedSeq + events.length, reply];
}

/** Bytes an append takes at most: a character is up to three, and lengths take some. */
function bytesMax(shard: ShardKeys, { run, owner, token, events }: CommitParams): number {
  let bytes = 3 * (shard.base.length + run.length + owner.length + token.length) + 128;
  for (const { type, data, lane } of events) {
    bytes += 3 * (type.length + (lane?.length ?? 0)) + data.length + 12;
  }
  return bytes;
}

function toArguments(shard: ShardKeys, group: readonly Waiting[]): Argument[] {
  const args: Argument[] = [];
  const packer = new Packer(group.reduce((sum, { params }) => sum + bytesMax(shard, params), 0));
  for (const { params } of group) {
    const { run, fence, owner, token, expectedSeq, events } = params;
    args.push(shard.run(run), shard.events(run));
    const size = packer.skip(4);
    packer.text(String(fence));
    packer.text(owner);
    packer.text(token);
    packer.text(String(expectedSeq));
    packer.text(shard.changed(run));
    packer.short(events.length);
    const start = packer.place;
    for (const event of events) {
      packer.text(event.type);
      packer.bytes(event.data);
      packer.text(event.lane ?? '');
    }
    packer.patch(size, packer.place - start);
  }
  args.push(packer.packed);
  return args;
}

/** An error that a command inside the script gave for one run, as the client would have thrown it. */
function errorReply(text: string): Error {
  const error = new Error(text);
  error.name = 'ReplyError';
  return error;
}
